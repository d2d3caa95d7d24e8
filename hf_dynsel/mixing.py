"""MixUp and CutMix: batches of mixed images, with a share of each class for a target."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hf_dynsel.extras import require

MODES = ("batch", "pair", "elem")


@dataclass(frozen=True)
class Mixing:
    """Mixes each sample of a batch with another one, image and target alike.

    A sample keeps its id in its own row; its partner's share counts in the target of that row, and
    so in its loss and signals. Smoothing of labels is the training loss's own and not set here.

    Args:
        num_classes: of the model.
        mixup_alpha: of the beta distribution that shares are drawn from. Zero for no MixUp.
        cutmix_alpha: the same for the area of the rectangles. Zero for no CutMix.
        prob: how often a batch, pair or element is mixed.
        switch_prob: how often CutMix is taken, where there are both.
        mode: whether a "batch", a "pair" or a single "elem" has a share of its own.
        key: of the images in a batch.

    Raises:
        ValueError: if a value is out of range.
        ImportError: if timm is not installed.

    Reference:
        Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, and Yun et al.,
        "CutMix", ICCV 2019, as in timm, which mixes sample i of n with sample n - 1 - i. Departure:
        the last sample of an odd batch is left as it is.
    """

    num_classes: int
    mixup_alpha: float = 0.0
    cutmix_alpha: float = 0.0
    prob: float = 1.0
    switch_prob: float = 0.5
    mode: str = "batch"
    key: str = "pixel_values"

    def __post_init__(self) -> None:
        require("timm.data.mixup", "vision")
        if self.num_classes < 2:
            raise ValueError(f"num_classes must be at least 2, got {self.num_classes}")
        alphas = self.mixup_alpha, self.cutmix_alpha
        if min(alphas) < 0 or max(alphas) == 0:
            raise ValueError(
                "mixup_alpha and cutmix_alpha must not be negative, and one of them above 0; got "
                f"{self.mixup_alpha} and {self.cutmix_alpha}"
            )
        for name, value in {"prob": self.prob, "switch_prob": self.switch_prob}.items():
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {value}")
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}")

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Returns mixed images and their targets, rows of shares that sum to one.

        It draws from NumPy's own generator, as timm does: `IndexedCollator` seeds it anew for
        every batch.
        """
        mixup = require("timm.data.mixup", "vision").Mixup(
            mixup_alpha=self.mixup_alpha,
            cutmix_alpha=self.cutmix_alpha,
            prob=self.prob,
            switch_prob=self.switch_prob,
            mode=self.mode,
            label_smoothing=0.0,
            num_classes=self.num_classes,
        )
        even = len(images) // 2 * 2
        targets = torch.nn.functional.one_hot(labels, self.num_classes).float()
        if even == 0:
            return images, targets
        # timm changes what it gets, which may be the dataset's own memory.
        mixed, shares = mixup(images[:even].clone(), labels[:even])
        return torch.cat([mixed, images[even:]]), torch.cat([shares, targets[even:]])


class MixingCollator:
    """Collates samples as `collate` does and mixes them."""

    def __init__(self, collate: Callable[[list[Any]], Any], mixing: Mixing) -> None:
        self.collate, self.mixing = collate, mixing

    def __call__(self, samples: list[Any]) -> MutableMapping[str, Any]:
        """Returns the batch; its labels are float, of shape `(b, classes)`.

        Raises:
            TypeError: if the images are no float tensor.
            ValueError: if images or labels are not there, or labels are not classes.
        """
        batch = self.collate(samples)
        key = self.mixing.key
        for name in (key, "labels"):
            if not isinstance(batch, Mapping) or name not in batch:
                found = sorted(batch) if isinstance(batch, Mapping) else type(batch).__name__
                raise ValueError(f"mixing needs '{name}' in a batch, which has {found}")
        images, labels = batch[key], batch["labels"]
        self._check_images(images)
        self._check_labels(labels)
        mixed, targets = self.mixing(images, labels)
        return {**batch, key: mixed, "labels": targets}

    def _check_images(self, images: Any) -> None:
        if not isinstance(images, Tensor) or not images.is_floating_point() or images.ndim != 4:
            raise TypeError(
                f"mixing needs '{self.mixing.key}' as a float tensor (samples, channels, height, "
                f"width), got {_described(images)}; normalise images in the dataset's transform"
            )

    def _check_labels(self, labels: Any) -> None:
        if not isinstance(labels, Tensor) or labels.ndim != 1 or labels.is_floating_point():
            raise ValueError(
                f"mixing needs one class for each sample as 'labels', got {_described(labels)}"
            )
        low, high, classes = int(labels.min()), int(labels.max()), self.mixing.num_classes
        if low < 0 or high >= classes:
            raise ValueError(
                f"labels go from {low} to {high}, and with num_classes={classes} they go from 0 to "
                f"{classes - 1}; give mixing the num_classes of the model"
            )


def _described(value: Any) -> str:
    if not isinstance(value, Tensor):
        return type(value).__name__
    return f"{value.dtype} of the shape {tuple(value.shape)}"


def require_replaceable(loss: Callable[..., Any], own: Any, mixing: Mixing | None) -> None:
    """Raises ValueError if a trainer has a loss of its own, which mixing would replace.

    Args:
        loss: its method `compute_loss`.
        own: its argument `compute_loss_func`.
        mixing: None asks for nothing.
    """
    theirs = not loss.__module__.startswith("transformers.")
    if mixing is not None and (theirs or own is not None):
        name = "compute_loss_func" if own is not None else loss.__qualname__
        raise ValueError(
            f"mixing makes the loss a cross-entropy with shares of classes, and {name} is another; "
            "leave out mixing, or that and pass per_sample_loss=, a function of (outputs, labels) "
            "that takes such shares"
        )
