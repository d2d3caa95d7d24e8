"""A map of the codes of samples, and how alike classes are by their mean codes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.sparse import csr_matrix

from hf_dynsel.figures.projection import PROJECTIONS
from hf_dynsel.figures.request import Request
from hf_dynsel.figures.unit_statistics import UnitStatistics, active_units
from hf_dynsel.report.canvas import CYCLE, INK, blues, chart, label, scale_bar, ticks
from hf_dynsel.report.legends import legend_right
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.thumbnails import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS, MOST_CLASSES = 3000, 12
MOST_NUMBERS, MOST_NAMES = 12, 40  # classes whose similarities, and whose names, are written
MARKERS = "o^sDvP"


def codes(request: Request) -> Section:
    """Returns a map of the codes of samples by class, and the similarity of the classes.

    Reference:
        Zhou et al., arXiv 2603.04981, figure 9: UMAP of the codes of some classes, and a matrix
        of classes that it does not define; ours is the cosine of mean codes. UMAP takes the
        cosine, too, and at most 3,000 samples, the same ones for a seed.
    """
    one = request.run()
    numbers = request.class_numbers(one.class_names, range(len(one.class_names)))
    active, names = active_units(one.codes, one.num_units), one.class_names
    means = UnitStatistics.of(active, one.labels, len(names)).means
    present = [number for number in numbers if means[number].any()]
    shown = present[:MOST_CLASSES]
    rows = points(active, one.labels, shown, one.recipe.seed)
    places = PROJECTIONS[request.projection](active[rows], one.recipe.seed)
    left_out = (
        [f"The map shows the first {len(shown)} of {len(present)} classes; name others."]
        if len(present) > len(shown)
        else []
    )
    pictures = [
        code_map(places, one.labels[rows], rows, names, request.projection),
        similarity(means[present], [names[number] for number in present]),
    ]
    return Section("The space of codes", pictures, left_out)


def points(
    active: csr_matrix, labels: Int[np.ndarray, " n"], classes: Sequence[int], seed: int
) -> Int[np.ndarray, " m"]:
    """Returns the samples to map: of these classes, with an active unit, drawn if too many."""
    fires = np.diff(active.indptr) > 0
    rows = np.flatnonzero(np.isin(labels, classes) & fires)
    if len(rows) <= MOST_POINTS:
        return rows
    return np.sort(np.random.default_rng((seed, 9)).choice(rows, MOST_POINTS, replace=False))


def code_map(
    places: Float[np.ndarray, "m 2"],
    labels: Int[np.ndarray, " m"],
    rows: Int[np.ndarray, " m"],
    names: Sequence[str],
    method: str,
) -> Picture:
    """Returns the samples on a map, each class with a colour and a mark of its own."""
    figure, (axes,) = chart(height=5.2)
    classes = np.unique(labels)
    for place, number in enumerate(classes):
        own = places[labels == number]
        turn, colour = divmod(place, len(CYCLE))
        look: dict[str, Any] = {"color": CYCLE[colour], "marker": MARKERS[turn]}
        axes.scatter(*own.T, s=9, linewidths=0, alpha=0.75, label=names[number], **look)
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    legend_right(axes)
    known = {"umap": "UMAP", "tsne": "t-SNE"}[method]
    label(axes, title=f"Codes of {len(rows):,} samples ({known}, cosine)")
    kept = ", ".join(names[number] for number in classes)
    return Picture(
        "codes_map",
        f"Map of the codes of {len(rows):,} samples by {known}, coloured by class: {kept}.",
        "Samples whose codes have much in common lie close to one another; distances between far "
        "groups mean little, and the axes mean nothing.",
        figure,
        {
            "method": method,
            "rows": rows.tolist(),
            "class": [names[number] for number in labels],
            "x": np.round(places[:, 0].astype(float), 4).tolist(),
            "y": np.round(places[:, 1].astype(float), 4).tolist(),
        },
    )


def similarity(means: Float[np.ndarray, "c units"], names: Sequence[str]) -> Picture:
    """Returns the cosine of the mean codes of classes, similar ones side by side."""
    table = cosines(means)
    order = ordered(table)
    table, names = table[np.ix_(order, order)], [names[number] for number in order]
    figure, (axes,) = chart(width=7.0, height=5.6)
    axes.grid(visible=False)
    image = axes.imshow(table, cmap=blues(), vmin=0, vmax=1)
    scale_bar(image, [axes], "cosine of mean codes")
    _name(axes, names)
    if len(names) <= MOST_NUMBERS:
        for y, x in np.ndindex(*table.shape):
            colour = "white" if table[y, x] > 0.55 else INK
            axes.text(x, y, f"{table[y, x]:.2f}", ha="center", va="center", size=8, color=colour)
    label(axes, title="How alike classes are")
    nearest = _nearest(table, names)
    return Picture(
        "class_similarity",
        f"Cosine of the mean codes of {len(names)} classes. {nearest}",
        "Dark: two classes activate the same units. Classes are ordered so that similar ones are "
        f"side by side. {nearest}",
        figure,
        {"classes": names, "cosine": table.tolist()},
    )


def cosines(means: Float[np.ndarray, "c units"]) -> Float[np.ndarray, "c c"]:
    """Returns the cosine of each pair of rows, none of which is zero."""
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    table: Float[np.ndarray, "c c"] = unit @ unit.T
    return table


def ordered(table: Float[np.ndarray, "c c"]) -> Int[np.ndarray, " c"]:
    """Returns an order of classes with similar ones side by side, by average linkage."""
    if len(table) < 3:
        return np.arange(len(table))
    distances = 1 - table[np.triu_indices(len(table), 1)]
    tree = linkage(np.maximum(distances, 0), "average", optimal_ordering=True)
    order: Int[np.ndarray, " c"] = leaves_list(tree).astype(np.int64)
    return order


def _name(axes: "Axes", names: Sequence[str]) -> None:
    if len(names) > MOST_NAMES:
        label(axes, x="class", y="class")
        return
    for which in ("x", "y"):
        ticks(axes, range(len(names)), [shortened(name) for name in names], which)
    slanted = len(names) <= MOST_NUMBERS
    axes.tick_params(axis="x", rotation=35 if slanted else 90)
    for text in axes.get_xticklabels() if slanted else ():
        text.set_horizontalalignment("right")


def _nearest(table: Float[np.ndarray, "c c"], names: Sequence[str]) -> str:
    if len(names) < 2:
        return ""
    apart = np.where(np.eye(len(table), dtype=bool), -1.0, table)
    one, other = map(int, np.unravel_index(apart.argmax(), apart.shape))
    return f"Most alike are {names[one]} and {names[other]} ({table[one, other]:.2f})."
