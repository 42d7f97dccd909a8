"""The atlas as text of 80 columns: the surprises, a line for each map, and what is missing."""

from collections.abc import Iterator
from textwrap import wrap

from benchmarks.analyse.differences import ALLOWED
from benchmarks.analyse.surprise import groups, surprises
from benchmarks.show.atlas_words import (
    columns,
    default_sentences,
    kink_sentences,
    label,
    labels,
    sentence,
    ulp,
)  # fmt: skip
from benchmarks.show.wording import title
from benchmarks.store.atlas import CLASSES, QUANTITIES, Atlas, Judged, Worst

WIDTH = 80
SHORT = {"numpy": "np", "numba": "nb", "jax": "jax", "torch eager": "pt", "torch step": "ptc"}
WIDE = {"value": 5, "derivative": 6}  # characters of a column
NO_RESULT, BESIDE_ZERO = "-", "~"
NOTE = (
    "The largest error over the sample, in ULP of the exact result; ~ beside a zero of the exact "
    "result, - no finite result. Up to {allowed} ULP is no difference."
)


def summary(atlas: Atlas) -> list[str]:
    """What the terminal shows: the table of the first dtype, then the surprises and the rest."""
    dtype = next(iter(atlas.points), "float64")
    lines = [*table(atlas, dtype), ""]
    return [*lines, *judged_otherwise(atlas), *most_surprising(atlas), *counts(atlas), *gaps(atlas)]


def whole(atlas: Atlas) -> list[str]:
    """Everything: all dtypes, kinks, defaults and findings."""
    lines = [*most_surprising(atlas)]
    for dtype in atlas.points:
        lines += [*table(atlas, dtype), ""]
    lines += [*judged_otherwise(atlas), *kink_lines(atlas), *default_lines(atlas)]
    for kind in CLASSES:
        found = [sentence(group) for group in groups(atlas) if group.kind == kind]
        lines += [f"{kind}: {len(found)}", *_wrapped(found), ""] if found else []
    return [*lines, *counts(atlas), *gaps(atlas)]


def table(atlas: Atlas, dtype: str) -> Iterator[str]:
    """One line a map: the largest errors of value and derivative in every framework."""
    rows = columns(atlas, dtype)
    found = {(r.map, f"{r.backend} {r.execution}"): r for r in atlas.judged if r.dtype == dtype}
    width = max([len(described.name) for described in atlas.maps], default=3)
    yield from wrap(f"{dtype}: {NOTE.format(allowed=ALLOWED)} {_legend(rows)}", WIDTH)
    wide = {quantity: [f"{short(row):>{WIDE[quantity]}}" for row in rows] for quantity in WIDE}
    sizes = {quantity: len("".join(heads)) for quantity, heads in wide.items()}
    yield f"{'':{width}}" + " ".join(f"{quantity:>{sizes[quantity]}}" for quantity in WIDE)
    yield f"{'map':{width}}" + " ".join("".join(heads) for heads in wide.values())
    for name in dict.fromkeys(map for map, _ in found):
        own = [found.get((name, row)) for row in rows]
        yield f"{name:{width}}" + " ".join("".join(_entries(own, word)) for word in QUANTITIES)


def _entries(own: list[Judged | None], quantity: str) -> Iterator[str]:
    for row in own:
        text = "" if row is None else entry(getattr(row, quantity))
        yield f"{text:>{WIDE[quantity]}}"


def entry(worst: Worst | None) -> str:
    """A largest error in few characters."""
    if worst is None:
        return NO_RESULT
    return ulp(worst.ulp) + (BESIDE_ZERO if worst.near_zero and worst.ulp > ALLOWED else "")


def short(row: str) -> str:
    """The head of a column."""
    return SHORT.get(row) or SHORT.get(row.split(" ")[0]) or row[:4]


def _legend(rows: list[str]) -> str:
    words = (f"{short(row)} {label(row.split(' ')[0], [row.split(' ')[1]])}" for row in rows)
    return f"{', '.join(words)}."


def most_surprising(atlas: Atlas) -> Iterator[str]:
    """The surprises, numbered."""
    found = surprises(atlas)
    if found:
        yield "The most surprising differences, by the rule in docs/atlas.md:"
    for number, one in enumerate(found, 1):
        text = f"{number}. {sentence(one)}"
        yield from wrap(text, WIDTH, subsequent_indent="   ")
    yield from [""] if found else []


def kink_lines(atlas: Atlas) -> Iterator[str]:
    """The kinks at which the frameworks do not agree, and in one sentence the others."""
    for text in kink_sentences(atlas):
        yield from wrap(text, WIDTH, subsequent_indent="  ")
    yield ""


def default_lines(atlas: Atlas) -> Iterator[str]:
    """What a call without options is."""
    for text in default_sentences(atlas):
        yield from wrap(text, WIDTH, subsequent_indent="  ")
    yield ""


def judged_otherwise(atlas: Atlas) -> Iterator[str]:
    """The maps without a formula."""
    for one in atlas.maps:
        if one.judged_by != "mpmath":
            yield from wrap(f"{one.name} has no formula: it is compared with {one.judged_by}.",
                            WIDTH)  # fmt: skip
            yield ""


def counts(atlas: Atlas) -> Iterator[str]:
    """How many differences of each class there are, and of what the atlas is made."""
    found = groups(atlas)
    told = [f"{sum(group.kind == kind for group in found)} {kind}" for kind in CLASSES[:2]]
    kinks = sum(kink.differs for kink in atlas.kinks)
    told += [f"{kinks} {CLASSES[2]}"]
    told += [f"{sum(group.kind == kind for group in found)} {kind}" for kind in CLASSES[3:]]
    yield from wrap(f"Differences of a map, quantity and dtype: {', '.join(told)}.", WIDTH)
    points = ", ".join(f"{dtype} {low} to {high}" for dtype, (low, high) in atlas.points.items())
    yield from wrap(f"Points a map: {points}. Made in {atlas.seconds:.0f} s with "
                    + ", ".join(f"{name} {text}" for name, text in atlas.versions.items())
                    + ".", WIDTH)  # fmt: skip


def gaps(atlas: Atlas) -> Iterator[str]:
    """What is missing, with the reasons."""
    for one in atlas.missing:
        name = labels([one.what]) if one.what.count(" ") == 1 else title(one.what)
        yield from wrap(f"missing: {name}: {one.reason}", WIDTH, subsequent_indent="  ")


def _wrapped(sentences: list[str]) -> Iterator[str]:
    for text in sentences:
        yield from wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ")
