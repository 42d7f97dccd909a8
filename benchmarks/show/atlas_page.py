"""The atlas as one HTML file that needs no network and runs no script."""

from pathlib import Path
from typing import Any

from benchmarks.analyse.differences import ALLOWED
from benchmarks.analyse.surprise import groups, surprises
from benchmarks.show import page
from benchmarks.show.atlas_text import entry, gaps
from benchmarks.show.atlas_words import (
    columns,
    default_sentences,
    kink_sentences,
    label,
    sentence,
)  # fmt: skip
from benchmarks.show.figures import map_errors
from benchmarks.store.atlas import CLASSES, QUANTITIES, Atlas, Judged

DTYPE = "float64"  # of the table and of the classes beside it


def html(atlas: Atlas, path: Path) -> str:
    """The page of an atlas that is stored in path."""
    pictures = {one.title: (one.name, page.inline(one)) for one in map_errors.draw(atlas)}
    template = page.environment().get_template("atlas.html.jinja")
    return template.render(
        file=path.name, atlas=atlas, style=page.safe_style("report.css", "atlas.css"),
        surprises=[sentence(one) for one in surprises(atlas)], dtype=_dtype(atlas),
        heads=[label(*_split(row)) for row in columns(atlas, _dtype(atlas))],
        quantities=QUANTITIES, lines=list(_lines(atlas)), pictures=pictures,
        caption=map_errors.CAPTION, told=_told(atlas), allowed=ALLOWED,
        conventions=kink_sentences(atlas, _dtype(atlas)), defaults=default_sentences(atlas),
        missing=list(gaps(atlas)),
    )  # fmt: skip


def _dtype(atlas: Atlas) -> str:
    return DTYPE if DTYPE in atlas.points else next(iter(atlas.points))


def _lines(atlas: Atlas) -> Any:
    """For each map the entries (text, whether it differs) and the classes of its differences."""
    dtype = _dtype(atlas)
    rows = columns(atlas, dtype)
    found = {(r.map, f"{r.backend} {r.execution}"): r for r in atlas.judged if r.dtype == dtype}
    kinds: dict[str, set[str]] = {}
    for group in groups(atlas):
        if group.dtype == dtype:
            kinds.setdefault(group.map, set()).add(group.kind)
    for kink in atlas.kinks:
        if kink.dtype == dtype and kink.differs:
            kinds.setdefault(kink.map, set()).add(CLASSES[2])
    for described in atlas.maps:
        entries = [_entry(found.get((described.name, row)), quantity)
                   for quantity in QUANTITIES for row in rows]  # fmt: skip
        own = kinds.get(described.name, set())
        yield described, entries, ", ".join(kind for kind in CLASSES if kind in own)


def _entry(row: Judged | None, quantity: str) -> tuple[str, bool]:
    if row is None:
        return "", False
    worst = getattr(row, quantity)
    return entry(worst), worst is None or worst.ulp > ALLOWED


def _told(atlas: Atlas) -> dict[str, list[str]]:
    """The sentences on the differences of each map."""
    found: dict[str, list[str]] = {}
    for kink in atlas.kinks:
        if kink.differs:
            found.setdefault(kink.map, []).append(sentence(kink))
    for group in groups(atlas):
        found.setdefault(group.map, []).append(sentence(group))
    return found


def _split(row: str) -> tuple[str, list[str]]:
    backend, execution = row.split(" ")
    return backend, [execution]
