"""Trains the cases of `distributed_cases.py` in one group; each process notes what it did."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from accelerate import PartialState

from distributed_cases import (
    ENDED,
    EPOCHS,
    INSIDE,
    RESUMED,
    Case,
    interrupted,
    loading,
    refused,
    selecting,
)
from drivers import run_loop_case
from trainer_kit import RecordingTrainer, arguments


class Witness(RecordingTrainer):
    """Also notes the selection of each epoch, as this process holds it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.hashes: dict[int, str] = {}
        self.orders: dict[int, list[int]] = {}
        super().__init__(*args, **kwargs)

    def training_step(self, *args: Any, **kwargs: Any) -> Any:
        epoch = self.sampler.epoch
        self.hashes[epoch] = self.sampler.selection_hash()
        self.orders[epoch] = self.sampler.order.tolist()
        return super().training_step(*args, **kwargs)


def build(case: Case, folder: Path) -> Witness:
    size = case.batch_size(PartialState(cpu=True).num_processes)
    settings = {"num_train_epochs": EPOCHS, "lr_scheduler_type": "linear"} | case.settings
    return Witness(
        model=case.model(),
        args=arguments(folder, per_device_train_batch_size=size, **settings),
        train_dataset=case.dataset(),
        selector=case.selector(),
        per_sample_loss=case.per_sample_loss,
    )


def train(case: Case, folder: Path, resume: Path | None = None) -> dict[str, Any]:
    trainer = build(case, folder)
    observed: list[dict[str, Any]] = []
    swept: list[dict[str, Any]] = []
    observe = trainer.selector.observe

    def noted(feedback: Any) -> None:
        signals = {name: values.tolist() for name, values in feedback.signals.items()}
        seen = swept if feedback.swept else observed
        seen.append({"indices": feedback.indices.tolist(), "signals": signals})
        observe(feedback)

    trainer.selector.observe = noted
    trainer.train(resume_from_checkpoint=None if resume is None else str(resume))
    parameters = [p.tolist() for p in trainer.model.parameters()]
    return {
        "name": case.name,
        "hashes": trainer.hashes,
        "orders": trainer.orders,
        "ids": trainer.trained,
        "observed": observed,
        "swept": swept,
        "usage": trainer.sampler.usage.tolist(),
        "samples_per_epoch": trainer.ledger.samples_per_epoch,
        "forwarded": trainer.ledger.samples_forwarded,
        "steps": [trainer.state.global_step, trainer.state.max_steps],
        "epoch": trainer.state.epoch,
        "rates": trainer.rates,
        "parameters": parameters,
    }


def refuse(case: Case, folder: Path, resume: Path | None = None) -> dict[str, Any]:
    try:
        train(case, folder, resume)
    except (RuntimeError, ValueError) as error:
        return {"name": case.name, "error": type(error).__name__, "message": str(error)}
    return {"name": case.name, "error": None, "message": "it trained"}


def go_on(folder: Path, other: Path, processes: int) -> list[dict[str, Any]]:
    """Trains the rest of the interrupted run of another launch, loaded in every way."""
    done = []
    for way in RESUMED:
        for step in (ENDED, INSIDE):
            case = replace(interrupted(way), name=f"{way} after {step}")
            unclear = way == "dispatch" and step == INSIDE and processes > 1
            end = refuse if unclear else train
            done.append(end(case, folder / "rest", other / "whole" / f"checkpoint-{step}"))
    return done


def train_all(folder: Path, others: list[Path]) -> None:
    """Trains every case and writes what this process did to `folder`.

    Args:
        folder: of this launch.
        others: of launches whose interrupted run goes on here; this one's, if there are none.
    """
    state = PartialState(cpu=True)
    process, processes = state.process_index, state.num_processes
    # The loop before loaders in half precision: an Accelerator keeps the precision of the last.
    done = [train(case, folder / "run") for case in selecting() if processes in case.processes]
    done += [run_loop_case(case, folder / "loop") for case in selecting()]
    done += [train(case, folder / "run") for case in loading() if processes in case.processes]
    done.append(train(replace(interrupted(), name="whole"), folder / "whole"))
    for other in others or [folder]:
        done += go_on(folder, other, processes)
    done += [refuse(c, folder / "run") for c in refused(process) if processes in c.processes]
    (folder / f"process-{process}.json").write_text(json.dumps(done))
