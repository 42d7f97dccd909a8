"""Cells, times and ratios in words and digits, and a table over the batch sizes."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Row = dict[str, Any]
Words = Callable[[Row], str]
TITLES = {"numpy": "NumPy", "numba": "Numba", "jax": "JAX", "torch": "PyTorch", "native": "C"}


def name(row: Row) -> str:
    """The cell in a few words, beside a heading with its model; cpu goes without saying."""
    words = [row["backend"], row["execution"], row["formulation"]]
    return " ".join(words + [row["device"]] * (row["device"] != "cpu"))


def titled(row: Row) -> str:
    """The same with the name that the framework gives itself."""
    return " ".join([title(row["backend"]), *name(row).split(" ")[1:]])


def title(backend: str) -> str:
    """The name that a framework gives itself."""
    return TITLES.get(backend, backend)


def file_name(*words: str) -> str:
    """Words that a run brings, as they may stand in the name of a file and in an id."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "_".join(words))


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(seconds / 1e-9)} ns"


def microseconds(seconds: float) -> str:
    """Three digits of microseconds; from a tenth of a second on in seconds."""
    return digits(seconds * 1e6) if seconds < 0.1 else f"{seconds:.2f}s"


def interval(ratio: list[float] | None) -> str:
    """A ratio with its interval; ~ where it contains 1, so that no difference was measured."""
    if ratio is None:
        return ""
    value, low, high = ratio
    same = "~" if low <= 1 <= high else ""
    return f"{same}{digits(value)} [{digits(low)}, {digits(high)}]"


def digits(value: float) -> str:
    """Three significant digits, below a tenth two, without an exponent."""
    if value <= 0:
        return f"{value:.2g}"
    places = (2 if value >= 0.0995 else 1) - int(np.floor(np.log10(value)))
    return f"{round(value, places):.{max(places, 0)}f}"


def over_sizes(heading: str, rows: list[Row], show: Words, label: Words = name) -> Iterator[str]:
    """One table over the batch sizes: a line for each cell."""
    sizes = sorted({row["B"] for row in rows})
    width = max([24, *(len(label(row)) + 1 for row in rows)])
    yield heading
    yield f"{'B =':{width}}" + "".join(f"{B:>7}" for B in sizes)
    for cell in dict.fromkeys(label(row) for row in rows):
        found = {row["B"]: show(row) for row in rows if label(row) == cell}
        yield f"{cell:{width}}" + "".join(f"{found.get(B, '-'):>7}" for B in sizes)
