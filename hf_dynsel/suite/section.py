"""What a suite file says: comparisons that are run one after another, as one table of a paper."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hf_dynsel.published import Number, published
from hf_dynsel.suite.measures import Measure, measure_of

DROP = "drop_clean_minus_noisy"


@dataclass(frozen=True)
class Member:
    """One comparison of a suite.

    Args:
        recipe: its file, relative to that of the suite.
        set: changes of the recipe, written as on the command line.
        published: which rows of the published table are of it, by any of the fields dataset,
            backbone, method, type, lr_schedule and metric; without it, none are.
    """

    recipe: str
    set: Sequence[str] = ()
    published: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Suite:
    """A suite file.

    Args:
        suite: its name.
        title: what the table shows.
        members: comparisons by name, in the order that they are run and shown in.
        paper: letter of the paper whose table is shown beside ours.
        table: of that paper.
        output_dir: where everything goes; outputs/<name> if not given.
        columns: names of measures.
        drop: two members, whose difference is shown method by method: the first less the second.
    """

    suite: str
    title: str
    members: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    paper: str | None = None
    table: str | None = None
    output_dir: str | None = None
    columns: Sequence[str] = ("accuracy",)
    drop: Sequence[str] | None = None

    @property
    def measures(self) -> list[Measure]:
        """The measures of the columns."""
        return [found for name in self.columns if (found := measure_of(name)) is not None]

    def numbers(self, name: str) -> list[Number]:
        """Returns the published numbers that are of a member."""
        return chosen(asdict(self), self.members[name].get("published"))

    def drops(self) -> list[Number]:
        """Returns the published differences of the two members of `drop`."""
        if self.drop is None:
            return []
        rows = self.members[self.drop[0]].get("published")
        return chosen(asdict(self), None if rows is None else {**rows, "metric": DROP})

    def plain(self) -> dict[str, Any]:
        """Returns the suite as it would stand in a file, without its folder."""
        return {key: value for key, value in asdict(self).items() if key != "output_dir"}


def numbers_of(content: Mapping[str, Any]) -> list[Number]:
    """Returns the published numbers of a suite's table."""
    return published().table(str(content.get("paper")), str(content.get("table")))


def chosen(content: Mapping[str, Any], asked: Mapping[str, str] | None) -> list[Number]:
    """Returns the rows of the suite's table that have the fields asked for."""
    if asked is None:
        return []
    return [
        one
        for one in numbers_of(content)
        if all(getattr(one, key) == value for key, value in asked.items())
    ]
