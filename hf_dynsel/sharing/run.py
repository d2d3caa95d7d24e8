"""Shares a training run: its model with a card on the selection, and its selection log."""

import shutil
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hf_dynsel.hub import HubError, Pulled, Pushed, pull, push
from hf_dynsel.hub.repo import Repo
from hf_dynsel.hub.visible import is_private
from hf_dynsel.report.runfolder import RECIPE, SUMMARY
from hf_dynsel.sharing.portable import portable
from hf_dynsel.sharing.run_card import README, add_selection, facts_of_run
from hf_dynsel.sharing.run_files import (
    CONFIG,
    INDEX,
    MOST_WEIGHTS,
    RECORDS,
    SMALL,
    WEIGHTS,
    check_records,
    check_run,
    model_files,
    shards_of,
)
from hf_dynsel.sharing.selections import push_selections

FIGURES = ("figures/samples_per_epoch.png", "figures/usage.png")
OWNED = (README, *SMALL, WEIGHTS, *RECORDS, *FIGURES)
LOG = "-selections"


def push_run(
    folder: str | Path,
    repo_id: str,
    *,
    license: str | None = None,
    private: bool = False,
    revision: str | None = None,
    dry_run: bool = False,
) -> tuple[Pushed, Pushed]:
    """Pushes a run to a model repository, and its selection log to a dataset of its own.

    The model, its card with the selection, the recipe and the summary go up. The report, the
    scores, checkpoints and what else lies in the folder do not: they may show samples.

    Args:
        folder: of a finished `hf-dynsel run`.
        repo_id: `user/name` of the model; the log goes to `user/name-selections`.
        license: of the model, an identifier that the Hub knows.
        private: makes new repositories private; the log of a private model always is.
        revision: the branch of both; the default branch if None.
        dry_run: sends nothing; the result lists the files and their sizes.

    Raises:
        HubError: if the Hub refuses or cannot be reached; the text says what to do.
        OSError: if the summary or the selections are missing.
        ValueError: if a file is damaged, or does not fit the others.
    """
    source = Path(folder)
    check_records(source)
    facts, counts = facts_of_run(source, repo_id + LOG, license)
    share_log = partial(push_selections, source, repo_id + LOG, model=repo_id, revision=revision)
    log = share_log(dry_run=True)  # all that can be wrong with it is, before the model is sent
    with TemporaryDirectory() as place:
        stage = Path(place, repo_id.split("/")[-1])
        stage.mkdir()
        for name, path in model_files(source / "model").items():
            shutil.copyfile(path, stage / name)
        for name in (README, SUMMARY, RECIPE):
            if (source / name).is_file():
                shutil.copyfile(source / name, stage / name)
        if (stage / RECIPE).is_file():
            text = portable((stage / RECIPE).read_text(encoding="utf-8"))
            (stage / RECIPE).write_text(text, encoding="utf-8")
        add_selection(stage / README, facts, counts)
        check_run(stage)
        hidden = private if dry_run else _hidden(repo_id, private)
        model = push(
            stage,
            repo_id,
            repo_type="model",
            message="Share a run",
            owned=OWNED,
            private=private,
            revision=revision,
            dry_run=dry_run,
        )
    return model, log if dry_run else share_log(private=hidden)


def _hidden(repo_id: str, private: bool) -> bool:
    """Returns whether the log must be private, as it must if the model is."""
    model, log = Repo(repo_id, "model"), Repo(repo_id + LOG, "dataset")
    of_model, of_log = is_private(model), is_private(log)
    hidden = private or bool(of_model)
    for repo, found in ((model, of_model), (log, of_log)):
        if hidden and found is False:
            reason = "private was asked for" if private else f"the {model} is private"
            raise HubError(
                f"the {repo} is public, and {reason}: nothing was sent. Make it private at "
                f"{repo.url}/settings, or push to another"
            )
    return hidden


def pull_run(repo_id: str, folder: str | Path, revision: str | None = None) -> str:
    """Returns the repository and commit whose checked files are now in a folder of yours.

    `from_pretrained` of transformers loads the model from that folder; `load_selections` has the
    log. Only files of known names are downloaded, and none is run.

    Args:
        repo_id: `user/name`, as given to `push_run`.
        folder: a new or an empty one.
        revision: branch, tag or commit.

    Raises:
        HubError: if the repository cannot be had, or a file is not what the Hub says it is.
        ValueError: if the folder is a file or holds some, or a file is damaged or not of a run.
    """
    target = Path(folder)
    if blocked := [p for p in (target, *target.parents) if p.exists() and not p.is_dir()]:
        raise ValueError(f"'{blocked[0]}' is a file; give a folder that is empty, or a new one")
    if target.exists() and any(target.iterdir()):
        raise ValueError(f"'{target}' is not an empty folder; give one that is, or a new one")
    pulled = _pulled(repo_id, revision)
    check_run(pulled.folder)
    target.mkdir(parents=True, exist_ok=True)
    records = [name for name in (*RECORDS, README) if (pulled.folder / name).is_file()]
    for name in (*model_files(pulled.folder), *records):
        shutil.copyfile(pulled.folder / name, target / name)
    return pulled.source


def _pulled(repo_id: str, revision: str | None) -> Pulled:
    """Downloads the small files, then the weights, in the parts that the index lists."""
    small = {**SMALL, **RECORDS, README: RECORDS[RECIPE]}
    needed = {CONFIG, SUMMARY}
    first = pull(
        repo_id, small, repo_type="model", optional=small.keys() - needed, revision=revision
    )
    index = first.folder / INDEX
    parts = shards_of(index) if index.is_file() else [WEIGHTS]
    limits = dict.fromkeys(parts, MOST_WEIGHTS)
    return pull(repo_id, limits, repo_type="model", revision=first.commit)
