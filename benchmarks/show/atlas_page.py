"""The atlas as one HTML file that needs no network and runs no script."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.analyse.differences import ALLOWED
from benchmarks.analyse.surprise import Group, groups, surprises
from benchmarks.show import page
from benchmarks.show.atlas_text import NOTE, entry, gaps
from benchmarks.show.atlas_words import (
    columns,
    default_sentences,
    kink_sentences,
    label,
    sentence,
)  # fmt: skip
from benchmarks.show.figures import map_errors
from benchmarks.store.atlas import CLASSES, KINK, QUANTITIES, Atlas, Described, Judged, Kink

BRIEF = dict(
    zip(CLASSES, ("function", "digits", "kink", "nan", "edge", "flushed"), strict=True)
)  # so that a map has one line
Line = tuple[Described, list[tuple[str, bool]], str]


def html(atlas: Atlas, path: Path) -> str:
    """The page of an atlas that is stored in path."""
    drawings = list(map_errors.draw(atlas))
    drawn, shared = page.pictures(drawings)
    template = page.environment().get_template("atlas.html.jinja")
    return template.render(
        file=path.name, atlas=atlas, style=page.safe_style("report.css", "atlas.css") + shared,
        surprises=[sentence(one) for one in surprises(atlas)], quantities=QUANTITIES,
        heads=[label(row) for row in columns(atlas, atlas.dtype)], lines=list(_lines(atlas)),
        pictures={one.title: (one.name, drawn[one.name][0][1]) for one in drawings},
        caption=map_errors.CAPTION, told=_told(atlas), note=NOTE, brief=BRIEF,
        conventions=kink_sentences(atlas), defaults=default_sentences(atlas),
        missing=list(gaps(atlas)),
    )  # fmt: skip


def _lines(atlas: Atlas) -> Iterator[Line]:
    """For each map the entries (text, whether it differs) and the classes of its differences."""
    rows = columns(atlas, atlas.dtype)
    own = [row for row in atlas.judged if row.dtype == atlas.dtype]
    found = {(row.map, f"{row.backend} {row.execution}"): row for row in own}
    kinds = {(one.map, one.kind) for one in groups(atlas) if one.dtype == atlas.dtype}
    kinds |= {(k.map, KINK) for k in atlas.kinks if k.dtype == atlas.dtype and k.differs}
    for described in atlas.maps:
        entries = [_entry(found.get((described.name, row)), quantity)
                   for quantity in QUANTITIES for row in rows]  # fmt: skip
        told = ", ".join(BRIEF[kind] for kind in CLASSES if (described.name, kind) in kinds)
        yield described, entries, told


def _entry(row: Judged | None, quantity: str) -> tuple[str, bool]:
    worst = getattr(row, quantity, None)
    return entry(row, quantity), row is not None and (worst is None or worst.ulp > ALLOWED)


def _told(atlas: Atlas) -> dict[str, list[str]]:
    """The sentences on the differences of each map."""
    found: dict[str, list[str]] = {}
    kinks = [kink for kink in atlas.kinks if kink.differs]
    ordered: list[Kink | Group] = [*kinks, *groups(atlas)]
    for one in ordered:
        found.setdefault(one.map, []).append(sentence(one))
    return found
