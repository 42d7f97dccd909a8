"""Cells, times and ratios in words and digits."""

import re
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.store.run import UNSHARDED

TITLES = {"numpy": "NumPy", "numba": "Numba", "jax": "JAX", "torch": "PyTorch", "native": "C"}


def name(row: Any) -> str:
    """The cell in a few words, for use below a heading with its model; cpu is left out."""
    words = [row.backend, row.execution, row.formulation]
    words += [row.device] * (row.device != "cpu")
    return " ".join(words + [row.sharding] * (row.sharding != UNSHARDED))


def titled(row: Any) -> str:
    """The same, with the name of the framework as the framework spells it."""
    return " ".join([title(row.backend), *name(row).split(" ")[1:]])


def title(backend: str) -> str:
    """The name of a framework as the framework spells it."""
    return TITLES.get(backend, backend)


def file_name(*words: str) -> str:
    """Words of a run as a part of a file name or an id."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", "_".join(words))


BYTES = ("B", "KiB", "MiB", "GiB")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    size, unit = _unit(seconds)
    return f"{digits(seconds / size)} {unit}"


def unit_of(seconds: pd.Series) -> tuple[float, str]:
    """The unit of a column of times: its size in seconds, and its name."""
    times = seconds[seconds > 0].astype(float)
    size, unit = _unit(float(np.exp(np.log(times).mean())) if len(times) else 1.0)
    return size, unit.replace("us", "µs")


def between(seconds: float, low: float, high: float) -> str:
    """A time with two limits, in one unit."""
    size, unit = unit_of(pd.Series([seconds]))
    shown = [digits(value / size) for value in (seconds, low, high)]
    return f"{shown[0]} {unit} [{shown[1]}, {shown[2]}]"


def _unit(seconds: float) -> tuple[float, str]:
    return next((found for found in UNITS if seconds >= found[0]), UNITS[-1])


def amount(count: float) -> str:
    """So many bytes, in three digits and a unit."""
    power = min(int(np.log2(max(count, 1)) // 10), len(BYTES) - 1)
    return f"{count / 1024**power:.3g} {BYTES[power]}"


def interval(value: float, low: float, high: float) -> str:
    """A ratio with its interval; ~ if that contains 1: no difference was measured."""
    same = "~" if low <= 1 <= high else ""
    return f"{same}{digits(value)} [{digits(low)}, {digits(high)}]"


def ratio(row: Any, title: str) -> str:
    """A ratio of a row with its interval, or its range if its processes have no common value."""
    if pd.notna(row[f"{title} from"]):
        return value(row, title)
    return interval(row[title], row[f"{title} low"], row[f"{title} high"])


def value(row: Any, title: str) -> str:
    """The same in brief, without its interval."""
    if pd.notna(row[f"{title} from"]):
        return f"{digits(row[f'{title} from'])} to {digits(row[f'{title} to'])}"
    return digits(row[title])


def digits(value: float) -> str:
    """Three significant digits, below a tenth two, without an exponent."""
    if value <= 0:
        return f"{value:.2g}"
    places = (2 if value >= 0.0995 else 1) - int(np.floor(np.log10(value)))
    return f"{round(value, places):.{max(places, 0)}f}"


def steps(row: Any) -> str:
    """After how many steps compiling pays, to three digits."""
    if row.pays != "after":
        return row.pays or "-"
    return (
        f"{float(f'{row.break_even:.3g}'):.0f}" if row.break_even < 1e8 else f"{row.break_even:.1e}"
    )
