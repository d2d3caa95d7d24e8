"""What a trainer that selects does differently when it pushes: its card, and what goes up."""

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import Trainer
from transformers.trainer import TRAINING_ARGS_NAME
from transformers.trainer_utils import HubStrategy

from hf_dynsel.sharing.run_card import write_card
from hf_dynsel.sharing.staging import only_model, pushes_checkpoints, remove_pickles, uploads_held

if TYPE_CHECKING:
    from transformers import Trainer as _Base
else:
    _Base = object

WITH_CHECKPOINT = (HubStrategy.CHECKPOINT, HubStrategy.ALL_CHECKPOINTS)


class PushesSelection(_Base):
    """Adds the selection to the card of a `Trainer` class, and pushes only the model with it.

    The pickled arguments, which may hold a token, are never pushed. With the strategies
    `checkpoint` and `all_checkpoints`, what else a checkpoint holds is, as was asked for: of that,
    `optimizer.pt`, `scheduler.pt` and `rng_state.pth` are pickles.
    """

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Writes the model card as the base class does, with the selection and earlier tags."""
        write_card(self, super().create_model_card, *args, **kwargs)

    def push_to_hub(self, *args: Any, **kwargs: Any) -> Any:
        """Pushes as the base class does, but nothing of the output folder beside the model."""
        given = signature(Trainer.push_to_hub).bind(self, *args, **kwargs).arguments
        if self.hub_model_id is None:
            known = signature(self.init_hf_repo).parameters  # `private` came after 5.17
            self.init_hf_repo(**{name: given[name] for name in known if name in given})
        with only_model(self, given.get("token"), given.get("revision")):
            return super().push_to_hub(*args, **kwargs)

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        if not pushes_checkpoints(self):
            return
        if self.args.hub_strategy in WITH_CHECKPOINT:
            Path(checkpoint_folder, TRAINING_ARGS_NAME).unlink(missing_ok=True)
        with only_model(self), uploads_held(self):
            self.create_model_card(model_name=str(self.hub_model_id).split("/")[-1])
            super()._push_from_checkpoint(checkpoint_folder)

    def _finish_current_push(self) -> None:
        """Waits as the base class does; what is pushed next has been written by then."""
        super()._finish_current_push()
        remove_pickles(self)
