"""Shows a run on the terminal: a bar within the epoch, and a line after each."""

from typing import Any

from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

SHOWN = {
    "selection/size": "samples {:,.0f}",
    "selection/alpha": "alpha {:.2f}",
    "selection/overlap": "overlap {:.0%}",
    "selection/never_used": "never used {:.1%}",
    "loss": "loss {:.4f}",
}


class EpochLines(TrainerCallback):
    """Writes one line per epoch: what was selected, the loss and the evaluation."""

    def __init__(self) -> None:
        self.line: dict[str, str] = {}
        self.bar: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Opens the bar."""
        self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc="train", unit="step")

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Moves the bar."""
        self.bar.total = state.max_steps
        self.bar.update()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Collects what the epoch's line says; the next epoch's selection ends the line."""
        logs = logs or {}
        if "selection/size" in logs:
            self._flush()
            self.line["epoch"] = f"epoch {logs['selection/epoch'] + 1:.0f}"
        self.line |= {k: text.format(logs[k]) for k, text in SHOWN.items() if k in logs}
        timings = ("runtime", "per_second", "_loss")
        metrics = {k: v for k, v in logs.items() if k.startswith("eval_")}
        self.line |= {
            k: f"{k.removeprefix('eval_')} {v:.4f}"
            for k, v in metrics.items()
            if not k.endswith(timings)
        }

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Writes the last line and closes the bar."""
        self._flush()
        self.bar.close()
        self.bar = None

    def _flush(self) -> None:
        if self.line and self.bar is not None:
            self.bar.write("  ".join(self.line.values()))
        self.line = {}
