"""What a result shows of itself in a notebook: declared here for results, written by the reports.

Results know no reports, which belong to a higher layer: `reporting.notebook` registers an implementation for each class
when it is imported, as all functions of `import benchmark` do.
"""

from functools import singledispatch
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PlotKind = Literal["pareto", "intervals"]


@singledispatch
def summary(result: object) -> str:
    """Write what it holds in a line or two, without characters that a terminal obeys."""
    return ""


@singledispatch
def html(result: object) -> str | None:
    """Write its table, as a part of a page that needs no other file."""
    return None


@singledispatch
def data_frame(result: object) -> "pd.DataFrame":
    """Give its rows with typed columns."""
    raise NotImplementedError(f"benchmark.reporting.notebook, which is not imported, makes the table of {result!r}")


@singledispatch
def plot(result: object, *choice: object) -> "Figure":
    """Draw it; what can be chosen depends on the class."""
    raise NotImplementedError(f"benchmark.reporting.notebook, which is not imported, draws {result!r}")


class Displayed:
    """A result that a notebook shows as a table, and a terminal in a line or two."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {summary(self)}>".replace("\n", "\n ")

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str | None:
        return html(self)

    def to_dataframe(self) -> "pd.DataFrame":
        """Give the rows of its CSV report as a data frame of pandas, with typed columns.

        Whole numbers are `Int64`, fractions and times `float64`, truths `boolean`, texts `str`; several values, such as
        flags, are a tuple. What is unknown is missing.
        """
        return data_frame(self)


class Plotted(Displayed):
    """A result with scores."""

    def plot(self, kind: PlotKind = "pareto", *, corpus: str | None = None) -> "Figure":
        """Draw the scores of the candidates, a picture for each corpus; a notebook shows the figure.

        Args:
            kind: `pareto`: UAR against latency, with the front of those that nobody beats in both. `intervals`: UAR
                with its intervals, the best first.
            corpus: Only this corpus.

        Returns:
            A figure of matplotlib; `figure.savefig("pareto.pdf")` keeps it.

        Raises:
            RequestError: matplotlib is not installed, there is no such corpus, or nothing to draw.
        """
        return plot(self, kind, corpus)
