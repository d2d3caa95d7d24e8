"""Where the time of the run went."""

from hf_dynsel.report.balance import balance
from hf_dynsel.report.canvas import BLUE, INK, ORANGE, chart, label
from hf_dynsel.report.picture import Picture, Section
from hf_dynsel.report.summary import OVERHEAD, Summary


def cost_section(summary: Summary) -> Section:
    """Returns the seconds by stage, with the overhead beside the saving."""
    return Section("What it cost", [seconds_by_stage(summary)])


def seconds_by_stage(summary: Summary) -> Picture:
    """Returns one bar per stage, those that only selection needs in another colour."""
    stages = dict(sorted(summary.seconds.items(), key=lambda item: item[0] not in OVERHEAD))
    figure, (axes,) = chart(height=1.3 + 0.36 * len(stages))
    colours = [ORANGE if stage in OVERHEAD else BLUE for stage in stages]
    bars = axes.barh(list(stages), list(stages.values()), color=colours)
    axes.bar_label(bars, [f"{s:,.1f} s" for s in stages.values()], padding=4, color=INK, size=9)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.grid(visible=False, axis="y")
    headline = (
        f"Overhead {summary.overhead_seconds:,.1f} s ({summary.overhead_share:.1%}); "
        f"{summary.saving:.2f}× fewer samples trained"
    )
    label(axes, title=headline, x="seconds")
    return Picture(
        "seconds",
        f"Seconds by stage. {headline}.",
        f"Orange stages exist only because of selection, blue ones are training and evaluation. "
        f"{balance(summary)}",
        figure,
    )
