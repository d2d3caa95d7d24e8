"""Trains a small BERT, replicated and sharded in every way there is, on the same two processes.

Accelerate 1.15 turns a process group into FSDP only if `DistributedType` is one of the kinds with
accelerators that `AcceleratorState.__init__` lists; on MULTI_CPU the `fsdp` argument is passed over
without a word. What comes after that line runs on gloo as well, so the group is called MULTI_GPU
here. Models that transformers shards as it loads them need nothing of the kind.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import DistributedType
from datasets import Dataset
from torch.distributed.tensor import DTensor
from transformers import BertConfig, BertForSequenceClassification
from transformers.distributed import DistributedConfig

from conftest import LossDriven
from hf_dynsel import Selector
from hf_dynsel.selectors import SelectiveBackprop
from trainer_kit import RecordingTrainer, arguments

ROWS, EPOCHS = 27, 3
FORMS = ("FULL_STATE_DICT", "SHARDED_STATE_DICT")
RESUMED = (5, 6)  # of three steps per epoch: inside one, and at the end of one


def texts() -> Dataset:
    tokens = np.random.default_rng(0).integers(5, 60, (ROWS, 6))
    columns = {"input_ids": tokens.tolist(), "labels": [row % 3 for row in range(ROWS)]}
    return Dataset.from_dict(columns).with_format("torch")


def small_bert() -> BertForSequenceClassification:
    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=3,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    torch.manual_seed(0)
    return BertForSequenceClassification(config)


def build(folder: Path, model: Path, selector: Selector, load: Any, **changes: Any) -> Any:
    settings = {
        "num_train_epochs": EPOCHS,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 2,
        "optim": "adamw_torch",
        "learning_rate": 1e-3,
        "eval_strategy": "epoch",
    }
    args = arguments(folder, **(settings | changes))
    if args.fsdp:
        PartialState._shared_state["distributed_type"] = DistributedType.MULTI_GPU
    return RecordingTrainer(
        model=BertForSequenceClassification.from_pretrained(model, distributed_config=load),
        args=args,
        train_dataset=texts(),
        eval_dataset=texts(),
        selector=selector,
    )


def note(trainer: Any) -> dict[str, Any]:
    """Returns what a run came to; gathers the weights, so every process calls it."""
    # The optimizer's: those of the model are whole for a while after a forward pass.
    parameters = [p for group in trainer.optimizer.param_groups for p in group["params"]]
    whole = [p.full_tensor() if isinstance(p, DTensor) else p for p in parameters]
    own = [p.to_local() if isinstance(p, DTensor) else p for p in parameters]
    return {
        "share": sum(p.numel() for p in own) / sum(p.numel() for p in whole),
        "weights": [p.flatten().tolist() for p in whole],
        "usage": trainer.sampler.usage.tolist(),
        "losses": trainer.selector.losses.tolist(),
        "samples_per_epoch": trainer.ledger.samples_per_epoch,
        "steps": trainer.state.global_step,
        "evaluated": [e["eval_loss"] for e in trainer.state.log_history if "eval_loss" in e],
    }


def run(*given: Any, resume: Path | None = None, **changes: Any) -> dict[str, Any]:
    trainer = build(*given, **changes)
    trainer.train(resume_from_checkpoint=resume)
    return note(trainer)


def fsdp(state_dict: str) -> dict[str, Any]:
    """Returns the arguments with which Accelerate shards a BERT, and saves it in this form."""
    config = {"transformer_layer_cls_to_wrap": "BertLayer", "state_dict_type": state_dict}
    return {"fsdp": True, "fsdp_config": config}


def train_all(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns what each run came to, by the way its model is held."""
    model, whole, split = folder / "model", None, DistributedConfig(fsdp_size=2)
    if os.environ["RANK"] == "0":
        small_bert().save_pretrained(model)
    torch.distributed.barrier()
    full, saved = fsdp(FORMS[0]), {"save_strategy": "epoch", "save_only_model": True}
    done = {"loaded-saved": run(folder / "saved", model, LossDriven(), split, **saved)}
    ways = {"replicated": (whole, {}), "loaded": (split, {}), "sharded": (whole, full)}
    for way, (load, settings) in ways.items():
        done[way] = run(folder / way, model, LossDriven(), load, **settings)
        weighing = run(folder / way, model, SelectiveBackprop(), load, **settings)
        done[f"{way}-weighing"] = weighing
    done["sharded-bf16"] = run(folder / "bf16", model, LossDriven(), whole, bf16=True, **full)
    for form in FORMS:
        steps = {"save_strategy": "steps", "save_steps": 1} | fsdp(form)
        done[form] = run(folder / form, model, LossDriven(), whole, **steps)
        for step in RESUMED:
            place = folder / form / f"checkpoint-{step}"
            rest = run(folder / "rest", model, LossDriven(), whole, resume=place, **steps)
            done[f"{form} after {step}"] = rest
    return done


if __name__ == "__main__":
    torch.distributed.init_process_group("gloo")
    place = Path(sys.argv[1])
    done = train_all(place)
    (place / f"process-{torch.distributed.get_rank()}.json").write_text(json.dumps(done))
