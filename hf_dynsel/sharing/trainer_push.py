"""What a trainer that selects does differently when it pushes: its card, and what goes up."""

from typing import TYPE_CHECKING, Any

from hf_dynsel.sharing.run_card import write_card
from hf_dynsel.sharing.staging import only_model, pushes_checkpoints, remove_pickles, uploads_held

if TYPE_CHECKING:
    from transformers import Trainer as _Base
else:
    _Base = object


class PushesSelection(_Base):
    """Adds the selection to the card of a `Trainer` class, and pushes only the model with it."""

    def create_model_card(self, *args: Any, **kwargs: Any) -> None:
        """Writes the model card as the base class does, with the selection and earlier tags."""
        write_card(self, super().create_model_card, *args, **kwargs)
        remove_pickles(self)

    def push_to_hub(self, *args: Any, **kwargs: Any) -> Any:
        """Pushes as the base class does, but nothing of the output folder beside the model."""
        with only_model(self):
            return super().push_to_hub(*args, **kwargs)

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        if not pushes_checkpoints(self):
            return
        with only_model(self), uploads_held(self):
            self.create_model_card(model_name=str(self.hub_model_id).split("/")[-1])
            super()._push_from_checkpoint(checkpoint_folder)
