"""The differences of an atlas in sentences."""

from collections.abc import Iterable

from benchmarks.analyse.surprise import Group, Surprise
from benchmarks.show.wording import title
from benchmarks.store.atlas import NAN, Atlas, Default, Finding, Kink, by_value
from reference.formats import FORMATS

PRIME = {"value": "", "derivative": "'"}
NO_MAP, NO_DIGIT = "none of the catalog", "none"


def sentence(one: Surprise | Group | Kink | Default) -> str:
    """One difference in one sentence or two."""
    what = one.what if isinstance(one, Surprise) else one
    if isinstance(what, Group):
        return _of_group(what)
    return _of_kink(what) if isinstance(what, Kink) else _of_default(what)


def _of_group(group: Group) -> str:
    worst = group.worst
    if group.kind == NAN:
        found = _told({row: one.found for row, one in group.rows.items()})
        return f"{_name(group)}: {group.kind} at x = {worst.x}: {found}."
    where = "" if worst.points == 1 else f", {worst.low} to {worst.high}"
    text = f"{_name(group)}: {group.kind} in {labels(group.rows)}{where}: {_worst(worst)}."
    return f"{text} Not in {labels(group.others)}." if group.others else text


def _name(group: Group) -> str:
    return f"{group.map}{PRIME[group.quantity]}{_dtype(group.dtype)}"


def _told(found: dict[str, str]) -> str:
    """What the rows give: those that agree together."""
    return ", ".join(f"{labels(rows)} {value}" for value, rows in by_value(found).items())


def _worst(worst: Finding) -> str:
    """What the worst point gives, and the error."""
    if worst.ulp is None:
        return f"{worst.found} for {worst.exact} at x = {worst.x}"
    size = ulp(worst.ulp, worst.dtype)
    how = "no correct digit" if size == NO_DIGIT else f"{size} ULP"
    return f"{how} at x = {worst.x}, {worst.found} for {worst.exact}"


def _of_kink(kink: Kink) -> str:
    beside = f"{kink.left} on the left, {kink.right} on the right"
    name = f"{kink.map}'({kink.x}){_dtype(kink.dtype)}"
    return f"{name}: {_told(kink.found)}; the derivative is {beside}."


def _of_default(default: Default) -> str:
    found = ", ".join(f"{title(b)}'s is {name or NO_MAP}" for b, name in default.found.items())
    return f"{default.name} without options is not the same function: {found}."


def _dtype(dtype: str) -> str:
    return "" if dtype == "float64" else f" {dtype}"


def kink_sentences(atlas: Atlas) -> list[str]:
    """The kinks at which the frameworks do not agree, then in one sentence the others."""
    found = [kink for kink in atlas.kinks if kink.dtype == atlas.dtype]
    same = [
        f"{one.map}'({one.x}) {next(iter(by_value(one.found)))}" for one in found if not one.differs
    ]
    told = [sentence(kink) for kink in found if kink.differs]
    return [*told, f"All agree at: {', '.join(same)}."] if same else told


def default_sentences(atlas: Atlas) -> list[str]:
    """What a call without options is: where the frameworks do not agree, then where they do."""
    same = [f"{one.name} is {next(iter(one.found.values())) or NO_MAP}"
            for one in atlas.defaults if not one.differs]  # fmt: skip
    told = [sentence(one) for one in atlas.defaults if one.differs]
    return [*told, f"The same in all: {', '.join(same)}."] if same else told


def labels(rows: Iterable[str]) -> str:
    """Rows in words; a framework whose eager and compiled rows are both there is named once."""
    by_backend: dict[str, list[str]] = {}
    for row in rows:
        backend, execution = row.split(" ")
        by_backend.setdefault(backend, []).append(execution)
    return ", ".join(
        title(backend) if len(executions) > 1 else label(f"{backend} {executions[0]}")
        for backend, executions in by_backend.items()
    )


def label(row: str) -> str:
    """A row in words; PyTorch alone has two."""
    backend, execution = row.split(" ")
    if backend != "torch":
        return title(backend)
    return f"{title(backend)} {'compiled' if execution == 'step' else execution}"


def ulp(error: float, dtype: str) -> str:
    """An error in at most four characters."""
    if error >= 1 / FORMATS[dtype].eps:
        return NO_DIGIT
    if error < 9.95:
        return f"{error:.1f}"
    if error < 9999.5:
        return f"{error:.0f}"
    return f"{error:.0e}".replace("e+0", "e").replace("e+", "e")


def columns(atlas: Atlas, dtype: str) -> list[str]:
    """The rows "backend execution" of a dtype, in the order of the atlas."""
    found = (f"{row.backend} {row.execution}" for row in atlas.judged if row.dtype == dtype)
    return list(dict.fromkeys(found))
