"""The atlas as text of 80 columns: a line for each map, the surprises, and what is missing."""

from collections.abc import Iterable, Iterator
from textwrap import wrap

from benchmarks.analyse.differences import ALLOWED
from benchmarks.analyse.surprise import groups, surprises
from benchmarks.show.atlas_words import (
    columns,
    default_sentences,
    kink_sentences,
    label,
    sentence,
    ulp,
)  # fmt: skip
from benchmarks.show.wording import title
from benchmarks.store.atlas import CLASSES, KINK, QUANTITIES, Atlas, Judged, Worst

WIDTH = 80
SHORT = {"numpy": "np", "numba": "nb", "jax": "jax", "torch eager": "pt", "torch step": "ptc"}
WIDE = {"value": 5, "derivative": 6}  # characters of a column
NO_RESULT, BESIDE_ZERO = "-", "~"
NOTE = (
    "The largest error over the sample, in ULP of the exact result, without subnormal numbers and "
    "the edge of the range; none: no correct digit; ~: beside a zero of the exact result; -: no "
    f"finite result. Up to {ALLOWED} ULP is no difference."
)


def summary(atlas: Atlas) -> list[str]:
    """What the terminal shows: one table, the surprises, and how many differences there are."""
    lines = [*table(atlas, atlas.dtype), "", *_judged_otherwise(atlas)]
    return [*lines, *_most_surprising(atlas), *_counts(atlas), *gaps(atlas)]


def whole(atlas: Atlas) -> list[str]:
    """Everything: all dtypes, kinks, calls without options, and findings."""
    lines = [*_most_surprising(atlas)]
    for dtype in atlas.points:
        lines += [*table(atlas, dtype), ""]
    lines += [*_judged_otherwise(atlas), *_list("convention at a kink", kink_sentences(atlas))]
    lines += _list("without options", default_sentences(atlas))
    for kind in CLASSES:
        found = [sentence(group) for group in groups(atlas) if group.kind == kind]
        lines += _list(f"{kind}: {len(found)}", found)
    return [*lines, *_counts(atlas), *gaps(atlas)]


def table(atlas: Atlas, dtype: str) -> Iterator[str]:
    """One line a map: the largest errors of value and derivative in every framework."""
    rows = columns(atlas, dtype)
    found = {(r.map, f"{r.backend} {r.execution}"): r for r in atlas.judged if r.dtype == dtype}
    width = max([len(described.name) for described in atlas.maps], default=3)
    legend = ", ".join(f"{_short(row)} {label(row)}" for row in rows)
    yield from wrap(f"{dtype}: {NOTE} {legend}.", WIDTH)
    heads = {word: "".join(f"{_short(row):>{WIDE[word]}}" for row in rows) for word in QUANTITIES}
    yield f"{'':{width}}" + " ".join(f"{word:>{len(heads[word])}}" for word in QUANTITIES)
    yield f"{'map':{width}}" + " ".join(heads.values())
    for name in dict.fromkeys(map for map, _ in found):
        own = [found.get((name, row)) for row in rows]
        parts = ("".join(f"{entry(row, word):>{WIDE[word]}}" for row in own) for word in QUANTITIES)
        yield f"{name:{width}}" + " ".join(parts)


def entry(row: Judged | None, quantity: str) -> str:
    """The largest error of a row in few characters."""
    if row is None:
        return ""
    worst: Worst | None = getattr(row, quantity)
    if worst is None:
        return NO_RESULT
    return ulp(worst.ulp, row.dtype) + (
        BESIDE_ZERO if worst.near_zero and worst.ulp > ALLOWED else ""
    )


def _short(row: str) -> str:
    """The head of a column."""
    return SHORT.get(row) or SHORT.get(row.split(" ")[0]) or row[:4]


def _most_surprising(atlas: Atlas) -> Iterator[str]:
    found = surprises(atlas)
    if found:
        yield "The most surprising differences, by the rule in docs/atlas.md:"
    for number, one in enumerate(found, 1):
        yield from wrap(f"{number}. {sentence(one)}", WIDTH, subsequent_indent="   ")
    yield from [""] if found else []


def _judged_otherwise(atlas: Atlas) -> Iterator[str]:
    """The maps without a formula."""
    for one in atlas.maps:
        if one.judged_by != "mpmath":
            text = f"{one.name} has no formula: it is compared with {one.judged_by}."
            yield from [*wrap(text, WIDTH), ""]


def _counts(atlas: Atlas) -> Iterator[str]:
    """How many differences of each class there are, and of what the atlas is made."""
    found = [group.kind for group in groups(atlas)]
    found += [KINK for kink in atlas.kinks if kink.differs]
    told = ", ".join(f"{found.count(kind)} {kind}" for kind in CLASSES)
    yield from wrap(f"Differences of a map, quantity and dtype: {told}.", WIDTH)
    points = ", ".join(f"{dtype} {low} to {high}" for dtype, (low, high) in atlas.points.items())
    used = ", ".join(f"{name} {version}" for name, version in atlas.versions.items())
    yield from wrap(f"Points a map: {points}. Made in {atlas.seconds:.0f} s with {used}.", WIDTH)


def gaps(atlas: Atlas) -> Iterator[str]:
    """What is missing, with the reasons."""
    for one in atlas.missing:
        text = f"missing: {title(one.what)}: {one.reason}"
        yield from wrap(text, WIDTH, subsequent_indent="  ")


def _list(heading: str, sentences: Iterable[str]) -> list[str]:
    """The sentences below a heading, or nothing if there are none."""
    lines: list[str] = []
    for text in sentences:
        lines += wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
    return [heading, *lines, ""] if lines else []
