"""Renders the cards in `model_cards/` from real runs, or anew from the facts kept beside them.

`python tests/example_cards.py RUN RUN_WITH_ADAPTERS` takes two folders of `hf-dynsel run`: of the
first the sparse autoencoder, the scores, the run and its selections; of the second the adapters.
Their facts go to `model_cards/facts/`, the figures to `model_cards/figures/`. Without folders,
only the cards are written again.
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
from hf_dynsel.report.card_figures import score_figures, selection_figures
from hf_dynsel.report.picture import Picture
from hf_dynsel.scores import attach, load_scores, save_scores
from hf_dynsel.sharing.portable import portable, without_folders
from hf_dynsel.sharing.run_card import facts_of_run
from hf_dynsel.stages import load_data

ROOT = Path(__file__).parents[1] / "model_cards"
KINDS = ("adapters", "run", "sae", "scores", "selections")


def render(kind: str, facts: dict[str, Any]) -> str:
    """Returns the card that the library makes of facts."""
    given = dict(facts)
    if "figures" in given:
        given["figures"] = [Picture(**figure, png=b"") for figure in given["figures"]]
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


def gather(run: Path, with_adapters: Path) -> dict[str, dict[str, Any]]:
    """Returns the facts of each kind of card, and writes the figures."""
    name = json.loads((run / "summary.json").read_text())["recipe"].replace("_", "-")
    other = json.loads((with_adapters / "summary.json").read_text())["recipe"].replace("_", "-")
    facts, counts = facts_of_run(run, log=f"user/{name}-selections")
    pictures = selection_figures(facts.samples_per_epoch, facts.epochs, counts)
    readme = run / "README.md"
    table = pq.read_table(run / "scores" / "scores.parquet")
    columns = [column for column in table.column_names if column.startswith("score_")]
    plots = score_figures({c.removeprefix("score_"): table[c].to_numpy() for c in columns})
    save_figures([*pictures, *plots], ROOT)
    plain = dataclasses.asdict(facts)
    return {
        "adapters": model(with_adapters / "adapters", f"user/{other}-adapters"),
        "run": {
            "card": readme.read_text(encoding="utf-8") if readme.is_file() else "",
            "facts": plain,
            "name": name,
            "figures": described(pictures),
        },
        "sae": model(run / "sae", f"user/{name}-sae"),
        "scores": {
            "notes": without_folders(pushed_notes(run)),
            "repo_id": f"user/{name}-scores",
            "recipe": portable((run / "recipe.yaml").read_text(encoding="utf-8")),
            "figures": described(plots),
        },
        "selections": {
            "facts": plain,
            "repo_id": f"user/{name}-selections",
            "model": f"user/{name}",
            "scores": f"user/{name}-scores",
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
    (ROOT / "facts").mkdir(parents=True, exist_ok=True)
    if folders:
        for kind, facts in gather(*map(Path, folders)).items():
            text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
            (ROOT / "facts" / f"{kind}.json").write_text(text, encoding="utf-8")
    for kind in KINDS:
        facts = json.loads((ROOT / "facts" / f"{kind}.json").read_text(encoding="utf-8"))
        (ROOT / f"{kind}.md").write_text(render(kind, facts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
