"""How many of the samples trained on have a wrong label, where the true ones are known."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from hf_dynsel.report.canvas import BLUE, SOFT, chart, epochs, label, legend, percent, steps
from hf_dynsel.report.picture import Picture, Section


def noise_section(label_noise: Mapping[str, Any]) -> Section:
    """Returns the share of wrong labels among the samples of each epoch, beside the pool's."""
    pool, selected = label_noise["pool"], np.array(label_noise["selected"])
    figure, (axes,) = chart()
    steps(axes, selected, BLUE, "samples of the epoch")
    axes.axhline(pool, color=SOFT, linewidth=1.2, linestyle="--", label="whole training set")
    epochs(axes, len(selected))
    axes.set_ylim(bottom=0)
    percent(axes)
    legend(axes)
    aucs = ", ".join(f"{name} {auc:.3f}" for name, auc in label_noise.get("auc", {}).items())
    told = f" Scores tell right from wrong labels with the AUC {aucs} (0.5: not at all)."
    facts = f"{selected.mean():.1%} on average over epochs, {pool:.1%} in the training set"
    label(axes, title=f"Wrong labels: {facts}", y="share with a wrong label")
    picture = Picture(
        "label_noise",
        f"Share of wrong labels among the samples of each epoch. {facts}.",
        "Labels were made wrong on purpose, so it is known which are. Below the dashed line "
        f"selection kept wrong labels out, above it let more in: {facts}.{told if aucs else ''}",
        figure,
    )
    return Section("Wrong labels among the samples", [picture])
