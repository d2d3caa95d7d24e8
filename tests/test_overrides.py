"""A `Trainer` whose internals changed is refused loudly, by the name of what changed."""

import pytest
from transformers import Trainer

from conftest import Sized
from hf_dynsel.overrides import OVERRIDDEN, require_overrides
from trainer_kit import build


def test_this_version_of_transformers_has_what_is_overridden():
    require_overrides()


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_a_method_that_is_gone_is_named(name, monkeypatch, tmp_path):
    monkeypatch.delattr(Trainer, name)
    with pytest.raises(RuntimeError, match=rf"Trainer.{name}, .* is gone in transformers \d"):
        build(tmp_path, Sized())


@pytest.mark.parametrize("name", [name for name, wanted in OVERRIDDEN.items() if wanted])
def test_a_method_with_other_parameters_is_named(name, monkeypatch):
    monkeypatch.setattr(Trainer, name, lambda self, state: None)
    with pytest.raises(RuntimeError, match=rf"Trainer.{name}, .* takes \['self', 'state'\], not"):
        require_overrides()


def test_a_loop_that_no_longer_runs_epochs_through_the_override_is_noticed(monkeypatch, tmp_path):
    trainer = build(tmp_path, Sized())
    monkeypatch.setattr(Trainer, "_inner_training_loop", lambda self, *args, **given: "trained")
    with pytest.raises(RuntimeError, match="never called its _finalize_training: its loop has"):
        trainer.train()


def test_every_method_the_mixin_defines_over_the_base_class_is_checked():
    from hf_dynsel.trainer import DynamicSelectionMixin

    public = {"__init__", "train", "evaluate"}  # Trainer's documented interface
    overridden = {
        name
        for name, value in vars(DynamicSelectionMixin).items()
        if callable(value) and hasattr(Trainer, name) and not name.startswith("__")
    }
    assert overridden - public <= set(OVERRIDDEN)
