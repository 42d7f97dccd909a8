"""Gradients beside parts of their work, as text: large batches, and dense ones."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from benchmarks.analyse.scaling import growth
from benchmarks.show.text import digits, interval, microseconds, name

AT = 65536  # the batch size at which a cell stands beside its bound
BOUNDS = "reading", "exponentials"  # the higher one counts
LEGEND = (
    "/ bound: beside reading X and Y once, or one exponential for each example, whichever takes "
    "longer; / products: beside X W and row X alone; / traffic: beside writing and reading every "
    "B x B matrix once. All are NumPy's, timed in the same rounds."
)
Row = dict[str, Any]


def exponent(rows: list[Row]) -> float:
    """Of the time over the batch size."""
    return growth([(row["examples"], row["seconds"]) for row in rows])


def beside_bound(row: Row) -> list[float] | None:
    """The ratio to the higher bound: the smaller of the two ratios."""
    found = [row["ratio"][bound] for bound in BOUNDS if bound in row["ratio"]]
    return min(found) if found else None


def tables(rows: list[Row]) -> list[str]:
    """Of each model and dtype; none where nothing of the kind was measured."""
    lines = []
    large = [row for row in rows if "examples" in row]
    for words in dict.fromkeys((row["model"], row["dtype"]) for row in rows):
        own = [row for row in large if (row["model"], row["dtype"]) == words]
        dense = [r for r in rows if (r["model"], r["dtype"]) == words and "traffic" in r["ratio"]]
        if own:
            lines += [*_sizes(" ".join(words), own), "", *_features(" ".join(words), own), ""]
        if dense:
            lines += [*_traffic(" ".join(words), dense), ""]
    return [*lines, *wrap(LEGEND, 80), ""] if lines else []


def _cells(rows: list[Row]) -> Iterator[tuple[str, list[Row]]]:
    for label in dict.fromkeys(_label(row) for row in rows):
        yield label, [row for row in rows if _label(row) == label]


def _label(row: Row) -> str:
    return name(row) + (", huge pages" if row["conditions"] else "")


def _sizes(words: str, rows: list[Row]) -> Iterator[str]:
    """Nanoseconds of an example over the batch size, the exponent, the distance to the bound."""
    fewest = min(row["features"] for row in rows)
    rows = [row for row in rows if row["features"] == fewest]
    sizes = sorted({row["examples"] for row in rows})
    yield f"large gradient {words}, F = {fewest}: ns of one example"
    yield f"{'B =':25}" + "".join(f"{B:>7}" for B in sizes) + f"  exponent  / bound at {AT}"
    for label, own in _cells(rows):
        times = {row["examples"]: digits(row["seconds"] / row["examples"] * 1e9) for row in own}
        shown = "".join(f"{times.get(B, '-'):>7}" for B in sizes)
        shown += f"{exponent(own):>10.2f}" if len(own) > 1 else f"{'-':>10}"
        at = next((row for row in own if row["examples"] == AT), None)
        yield f"{label:25}{shown}{interval(beside_bound(at)) if at else '-':>19}"


def _features(words: str, rows: list[Row]) -> Iterator[str]:
    """Microseconds of a call where matrix products dominate, and the distance to them."""
    fewest = min(row["features"] for row in rows)
    wide = [row for row in rows if row["features"] > fewest]
    features = sorted({row["features"] for row in wide})
    yield f"large gradient {words}, B = 4096: us of one call"
    heads = "".join(f"{f'F = {F}':>8}{'/ products':>21}" for F in features)
    yield f"{'':23}{heads}"
    for label, own in _cells(wide):
        found = {row["features"]: row for row in own}
        shown = "".join(
            f"{microseconds(found[F]['seconds']):>8} {interval(found[F]['ratio']['products']):>20}"
            if F in found else f"{'-':>29}"
            for F in features
        )  # fmt: skip
        yield f"{label:23}{shown}"


def _traffic(words: str, rows: list[Row]) -> Iterator[str]:
    """Times of a dense call, and the distance to its memory traffic."""
    sizes = sorted({row["B"] for row in rows})
    yield f"dense gradient {words}: us of one call"
    yield f"{'B =':33}" + "".join(f"{B:>9}{'/ traffic':>14}" for B in sizes)
    for label, own in sorted(_cells(rows)):
        found = {row["B"]: row for row in own}
        shown = "".join(
            f"{microseconds(found[B]['seconds']):>9}{digits(found[B]['ratio']['traffic'][0]):>14}"
            if B in found else f"{'-':>23}"
            for B in sizes
        )  # fmt: skip
        yield f"{label:33}{shown}"
