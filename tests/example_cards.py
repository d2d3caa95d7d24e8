"""Renders the cards in `model_cards/` from real runs, or anew from the facts kept beside them.

`python tests/example_cards.py RUN ...` takes folders of `hf-dynsel run`; the cards of what a run
made go to `model_cards/<its folder's name>/`, their facts to `facts/` and the figures to `figures/`
in there. Without folders, only the cards are written again.
"""

import dataclasses
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq

from hf_dynsel.cards import (
    RunFacts,
    adapter_card,
    sae_card,
    save_figures,
    scores_card,
    selections_card,
    with_selection,
)
from hf_dynsel.recipe import load
from hf_dynsel.report.canvas import chart
from hf_dynsel.report.card_figures import score_figures, selection_figures
from hf_dynsel.report.picture import Picture
from hf_dynsel.scores import attach, load_scores, save_scores
from hf_dynsel.sharing.portable import portable, without_folders
from hf_dynsel.sharing.run_card import facts_of_run
from hf_dynsel.stages import load_data

ROOT = Path(__file__).parents[1] / "model_cards"


def render(kind: str, facts: dict[str, Any]) -> str:
    """Returns the card that the library makes of facts."""
    given = dict(facts)
    if "figures" in given:
        given["figures"] = [Picture(**figure, figure=chart()[0]) for figure in given["figures"]]
    if "facts" in given:
        given["facts"] = RunFacts(**given["facts"])
    cards = {
        "adapters": adapter_card,
        "run": with_selection,
        "sae": sae_card,
        "scores": scores_card,
        "selections": selections_card,
    }
    return cards[kind](**given)


def gather(run: Path, home: Path) -> dict[str, dict[str, Any]]:
    """Returns the facts of each card of a run, and writes the figures."""
    repository = f"user/{run.name}"
    facts, counts = facts_of_run(run, log=f"{repository}-selections")
    pictures = selection_figures(facts.samples_per_epoch, facts.epochs, counts)
    table = pq.read_table(run / "scores" / "scores.parquet")
    columns = [column for column in table.column_names if column.startswith("score_")]
    plots = score_figures({c.removeprefix("score_"): table[c].to_numpy() for c in columns})
    save_figures([*pictures, *plots], home)
    trained = [name for name in ("adapters", "sae") if (run / name).is_dir()]
    plain = dataclasses.asdict(facts)
    return {
        **{name: model(run / name, f"{repository}-{name}") for name in trained},
        "run": {
            "card": (run / "README.md").read_text(encoding="utf-8"),
            "facts": plain,
            "name": run.name,
            "figures": described(pictures),
        },
        "scores": {
            "notes": without_folders(pushed_notes(run)),
            "repo_id": f"{repository}-scores",
            "recipe": portable((run / "recipe.yaml").read_text(encoding="utf-8")),
            "figures": described(plots),
        },
        "selections": {
            "facts": plain,
            "repo_id": f"{repository}-selections",
            "model": repository,
            "scores": f"{repository}-scores",
        },
    }


def model(folder: Path, repo_id: str) -> dict[str, Any]:
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    training, origin = settings.pop("training"), settings.pop("origin")
    return {"settings": settings, "training": training, "origin": origin, "repo_id": repo_id}


def pushed_notes(run: Path) -> dict[str, Any]:
    """Returns the notes on the scores as they are pushed, with hashes of the rows."""
    train = load_data(load(run / "recipe.yaml"))["train"]
    with TemporaryDirectory() as folder:
        save_scores(attach(train, load_scores(run / "scores")), folder)
        return json.loads(Path(folder, "scores.json").read_text())


def described(pictures: list[Picture]) -> list[dict[str, str]]:
    return [{"name": p.name, "alt": p.alt, "caption": p.caption} for p in pictures]


def main(folders: list[str]) -> None:
    for run in map(Path, folders):
        home = ROOT / run.name
        (home / "facts").mkdir(parents=True, exist_ok=True)
        for kind, facts in gather(run, home).items():
            text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
            (home / "facts" / f"{kind}.json").write_text(text, encoding="utf-8")
    for path in sorted(ROOT.glob("*/facts/*.json")):
        card = render(path.stem, json.loads(path.read_text(encoding="utf-8")))
        (path.parents[1] / f"{path.stem}.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
