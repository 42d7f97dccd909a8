"""Two stored atlases: what changed between two versions of a framework, in one screen."""

from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from benchmarks.show.atlas_text import WIDTH
from benchmarks.show.atlas_words import PRIME, label, labels, ulp
from benchmarks.show.wording import title
from benchmarks.store.atlas import QUANTITIES, Atlas, Finding, Judged, load
from benchmarks.store.files import Mistake

FACTOR = 2  # of an error, from which on it has changed
LINES = 8  # changes that are shown without --all: most take two lines, and a screen has 24
Key = tuple[str, ...]


def compare(one: Path, other: Path, whole: bool = False) -> tuple[list[str], int]:
    """The changes in lines, and the exit code: 1 if something changed in a row of both atlases.

    Raises Mistake if a file is not an atlas, or if no row is in both.
    """
    a, b = load(one), load(other)
    common = {_key(row) for row in a.judged} & {_key(row) for row in b.judged}
    if not common:
        raise Mistake(f"{one} and {other} have no map of the same framework and dtype in common")
    found = [*_defaults(a, b), *_kinks(a, b), *_findings(a, b, common), *_errors(a, b, common)]
    shown = found if whole else found[:LINES]
    lines = [f"A  {one}", f"B  {other}", *_versions(a, b), ""]
    lines += [line for text in shown for line in wrap(text, WIDTH, subsequent_indent="    ")]
    if len(shown) < len(found):
        lines.append(f"and {len(found) - len(shown)} more: --all shows them")
    lines.append(f"{len(found)} changes in the {len(common)} rows that are in both.")
    return [*lines, *_alone(a, b)], 1 if found else 0


def _versions(a: Atlas, b: Atlas) -> list[str]:
    """The versions that differ."""
    names = [name for name in a.versions if b.versions.get(name, "") != a.versions[name]]
    told = [f"{name} {a.versions[name]} -> {b.versions.get(name, 'missing')}" for name in names]
    return wrap(", ".join(told) or "The versions are the same.", WIDTH)


def _key(one: Judged | Finding) -> Key:
    return one.map, one.backend, one.execution, one.dtype


def _defaults(a: Atlas, b: Atlas) -> Iterator[str]:
    later = {one.name: one.found for one in b.defaults}
    for one in a.defaults:
        for backend, name in one.found.items():
            now = later.get(one.name, {}).get(backend, name)
            if now != name:
                yield f"{one.name} without options, {title(backend)}: {name} -> {now}"


def _kinks(a: Atlas, b: Atlas) -> Iterator[str]:
    """The conventions that changed, those of several rows and dtypes together."""
    later = {(kink.map, kink.dtype, kink.x): kink.found for kink in b.kinks}
    changed: dict[tuple[str, str], dict[str, list[str]]] = {}
    for kink in a.kinks:
        now = later.get((kink.map, kink.dtype, kink.x), {})
        for row, value in kink.found.items():
            if row in now and float(now[row]) != float(value) and now[row] != value:
                key = f"{kink.map}'({kink.x})", f"{value} -> {now[row]}"
                changed.setdefault(key, {}).setdefault(row, []).append(kink.dtype)
    for (name, text), rows in changed.items():
        dtypes = dict.fromkeys(dtype for own in rows.values() for dtype in own)
        yield f"{name}, {labels(rows)}: {text}, a convention ({', '.join(dtypes)})"


def _findings(a: Atlas, b: Atlas, common: set[Key]) -> Iterator[str]:
    """The classes of difference that came or went."""
    earlier, later = (
        {(*_key(one), one.quantity, one.kind): one for one in atlas.findings if _key(one) in common}
        for atlas in (a, b)
    )
    yield from (f"new: {_told(one)}" for key, one in later.items() if key not in earlier)
    yield from (f"gone: {_told(one)}" for key, one in earlier.items() if key not in later)


def _told(one: Finding) -> str:
    size = "no finite result" if one.ulp is None else f"{ulp(one.ulp, one.dtype)} ULP"
    return (
        f"{_name(one, one.quantity)}: {one.kind}, {size} at x = {one.x}: "
        f"{one.found} for {one.exact}"
    )


def _errors(a: Atlas, b: Atlas, common: set[Key]) -> Iterator[str]:
    """The largest errors that changed by more than FACTOR; below one ULP all are the same."""
    later = {_key(row): row for row in b.judged}
    for row in (row for row in a.judged if _key(row) in common):
        for quantity in QUANTITIES:
            before, now = (getattr(one, quantity) for one in (row, later[_key(row)]))
            if before is None or now is None:
                continue
            low, high = sorted((max(before.ulp, 1), max(now.ulp, 1)))
            if high > FACTOR * low:
                size = (
                    f"largest error {ulp(before.ulp, row.dtype)} -> {ulp(now.ulp, row.dtype)} ULP"
                )
                yield f"{_name(row, quantity)}: {size} at x = {now.x}"


def _name(one: Judged | Finding, quantity: str) -> str:
    return f"{one.map}{PRIME[quantity]} {one.dtype}, {label(f'{one.backend} {one.execution}')}"


def _alone(a: Atlas, b: Atlas) -> Iterator[str]:
    """How many rows only one of the two has."""
    for word, one, other in (("A", a, b), ("B", b, a)):
        keys = {_key(row) for row in other.judged}
        only = [row for row in one.judged if _key(row) not in keys]
        if only:
            yield f"Only in {word}: {len(only)} rows."
