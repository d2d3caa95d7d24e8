"""What is tuned is measured once, on held-out rows."""

import json

from hf_dynsel.compare.cells import source_of
from hf_dynsel.compare.validation import validate


def test_a_run_is_measured_once(quickstart, monkeypatch) -> None:
    source = source_of(quickstart("trainer.num_train_epochs=1"))
    cell = source.cell("equal_epochs", 0.3, "A", {"name": "DynamicRandom", "keep": 0.3}, 0, {})
    found = validate(cell)
    assert 0 <= found.value <= 1
    assert found.samples_trained == 30
    assert found.seconds > 0
    written = json.loads((cell.recipe.folder / "validation.json").read_text())
    assert written["value"] == found.value
    monkeypatch.setattr("hf_dynsel.compare.validation.build_trainer", None)
    assert validate(cell) == found
