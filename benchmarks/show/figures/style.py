"""One style for all figures: for light and dark pages, greyscale, and color blindness.

The background is transparent. Text and colors have a contrast of at least 3 against white and
against near black. Nothing is shown by color alone: a backend also has a marker, and a formulation
has a line style.
"""

import io
from collections.abc import Iterable
from typing import Any, NamedTuple

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.show.figures import compact, hover
from benchmarks.show.wording import between, duration, title

matplotlib.use("svg")
INK = "#757b82"
RC = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "diagjac",  # the same run gives the same file
    "text.parse_math": False,  # a $ in a name is a $
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # each text of an SVG has the whole list
    "font.size": 9,
    "axes.titlesize": 10,
    "figure.titlesize": 11,
    "hatch.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
} | dict.fromkeys(
    ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"),
    INK,
)  # fmt: skip
LOOKS = {  # most colors are Okabe and Ito's
    "reference": (INK, "o"),
    "numpy": ("#0072B2", "s"),
    "numba": ("#009E73", "^"),
    "jax": ("#D55E00", "D"),
    "torch": ("#CC79A7", "v"),
    "native": ("#B87A00", "P"),
    "optax": ("#3B94CB", "X"),
    "nn": ("#7A6FD0", "*"),
}
GUESTS = [(color, marker) for marker in "h<>p" for color in ("#8A6D3B", "#00967A", "#2A7FB8")]
LINES: dict[str, Any] = {  # the line style of each formulation
    "dense": "-", "elementwise": "--", "fused": ":", "autodiff": "-.",
    "jacrev": (0, (5, 1, 1, 1, 1, 1)),
}  # fmt: skip


class Drawing(NamedTuple):
    """A figure: the end of its file's name, its heading, its caption, and its SVG.

    linear is the same with linear axes, where that shows something; pages can switch to it.
    """

    name: str
    title: str
    caption: str
    svg: str
    linear: str = ""


def figure(width: float, height: float) -> Figure:
    """An empty figure, its size in inches; make and save it inside matplotlib.rc_context(RC).

    With the resolution of an SVG, so that places in it can be computed afterwards.
    """
    return Figure(figsize=(width, height), layout="constrained", dpi=72)


def svg(drawn: Figure, heading: str) -> str:
    """The figure as SVG, with the heading drawn above it and as title for screen readers."""
    text = io.StringIO()
    drawn.suptitle(heading, fontweight="bold")
    drawn.savefig(text, format="svg", metadata={"Date": None, "Title": heading, "Creator": None})
    root = compact.read(text.getvalue())
    hover.finished(root, drawn, INK)
    return compact.text(root)


def looks(rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Color and marker of each backend; those from outside get GUESTS, in order of their names."""
    guests = sorted({*rows.backend} - LOOKS.keys())
    return LOOKS | {guest: GUESTS[i % len(GUESTS)] for i, guest in enumerate(guests)}


def face(execution: str, color: str) -> str:
    """The fill of a marker: full for eager executions, open for compiled ones."""
    return color if execution.startswith("eager") else "none"


def line(formulation: str) -> Any:
    """The line of a formulation."""
    return LINES.get(formulation, "-")


def driven(words: tuple[str, str]) -> str:
    """Backend and execution, in words."""
    return f"{title(words[0])} {words[1]}"


def time(value: float) -> str:
    """A time in words."""
    return duration(value).replace("us", "µs")


def middle_half(row: Any) -> str:
    """The time of a row with the middle half of its rounds."""
    return between(row.seconds, row.q1, row.q3)


def seconds(value: float, _: Any = None) -> str:
    """A time on an axis."""
    if value <= 0:
        return f"{value:g}"
    number, unit = time(value).split(" ")
    return f"{float(number):g} {unit}"


def over_sizes(
    axes: Any, sizes: Iterable[int], label: str = "batch size B", linear: bool = False
) -> None:
    """A logarithmic axis of batch sizes, with each of them named; on a linear one, the largest."""
    sizes = sorted(set(sizes))
    if linear:
        sizes = [B for B in sizes if sizes[-1] <= 4 * B]
    else:
        axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, labels=[str(B) for B in sizes])
    axes.minorticks_off()
    axes.set_xlabel(label)


def over_times(axes: Any, linear: bool = False) -> None:
    """An axis of times for what is drawn already: logarithmic, or linear from 0 on."""
    if linear:
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(seconds))
        return
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 50 * low:  # otherwise at most one power of ten is named
        axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(seconds))
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())


def legend(drawn: Figure, handles: dict[str, Any] | None = None, columns: int = 8) -> None:
    """One legend below all panels: these handles, or every label of the panels once."""
    found: dict[str, Any] = handles or {}
    for axes in () if handles else drawn.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    columns = min(len(found), columns)
    drawn.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns)
