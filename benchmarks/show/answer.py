"""The answer of a stored run in three sentences, made from its rows."""

from typing import Any

from benchmarks.analyse import rows as query
from benchmarks.analyse.intervals import quotient
from benchmarks.analyse.merge import sample
from benchmarks.show.notes import partial
from benchmarks.show.text import digits, duration, interval, name, title, titled

Row = dict[str, Any]
SIZE = 256  # beside the largest one
MODELS = ("logistic", "linear")  # whose answer is told, if there are both
CALLS = {"eager": "one call an operation", "step": "one call a step", "block": "one call a block"}


def answer(run: dict[str, Any]) -> list[str]:
    """What dense costs, which cell trains fastest and why, and whether all rows agree.

    Before them, of a partial run, that it is one.
    """
    sentences = partial(run), cost(run), fastest(run), agreement(run)
    return [sentence for sentence in sentences if sentence]


def cost(run: dict[str, Any]) -> str:
    """What the diagonal Jacobians of a gradient cost in each backend, at two sizes."""
    rows = _told({key: query.costs(r) for key, r in query.default_gradients(run).items()})
    if not rows:
        return ""
    largest = max(row["B"] for row in rows)
    sizes = [B for B in dict.fromkeys((SIZE, largest)) if any(row["B"] == B for row in rows)]
    costs = [f"{_costs_at(B, rows)} at B = {B}" for B in sizes]
    return (
        f"One {rows[0]['model']} gradient that forms its diagonal Jacobians takes, as a multiple "
        f"of the time of its own elementwise form, {'; '.join(costs)}."
    )


def fastest(run: dict[str, Any]) -> str:
    """Which cell trains fastest, beside the C loop and the reference, and what drives that."""
    rows = _told(query.trainings(run))
    cells = [row for row in rows if row["backend"] not in (query.LIMIT, "reference")]
    if not cells:
        return ""
    best = min(cells, key=lambda row: row["seconds"])
    beside = [("limit", "the C loop"), ("baseline", "the reference")]
    ratios = [f"{interval(best['ratio'][n])} times {w}" for n, w in beside if n in best["ratio"]]
    took = ", ".join([duration(best["seconds"]), *[" and ".join(ratios)] * bool(ratios)])
    found = (
        f"{titled(best)} trains the {best['model']} run of {best['steps']} steps fastest: {took}"
    )
    return f"{found}{_drivers(best, cells)}."


def agreement(run: dict[str, Any]) -> str:
    """How many rows agree with the reference, and which of them came nearest to its tolerance."""
    count, void = len(run["benchmarks"]), len(run["void"])
    if not count:
        return f"No row agrees with the reference, {void} are void." if void else ""
    said = f"{count} rows agree with the reference, {void} are void"
    said = said if void else f"All {count} rows agree with the reference"
    judged = [(nearest(row), row) for row in query.rows_of(run) if row["verdict"]["checks"]]
    if not judged:
        return f"{said}."
    check, row = max(judged, key=lambda pair: share(pair[0]))
    return (
        f"{said}; the largest share of a tolerance that one of them uses is {share(check):.0%}: "
        f"{name(row)}, {check['quantity']}, {digits(check['observed'])} of "
        f"{digits(check['allowed'])} {check['unit']}."
    )


def nearest(row: Row) -> dict[str, Any]:
    """The check of a row's verdict that came nearest to what is allowed."""
    return max(row["verdict"]["checks"], key=share)


def share(check: dict[str, Any]) -> float:
    """How much of the tolerance is used; 0 where nothing is allowed, and nothing was observed."""
    if not check["allowed"]:
        return float("inf") if check["observed"] else 0.0
    return float(check["observed"] / check["allowed"])


def subject(found: dict[tuple[str, str], list[Row]]) -> tuple[str, str] | None:
    """The model and dtype that the answer is about, of those that have rows."""
    having = [key for key, rows in found.items() if rows]
    having.sort(key=lambda key: MODELS.index(key[0]) if key[0] in MODELS else len(MODELS))
    return having[0] if having else None


def _told(found: dict[tuple[str, str], list[Row]]) -> list[Row]:
    key = subject(found)
    return found[key] if key else []


def _costs_at(B: int, rows: list[Row]) -> str:
    """The ratio at one size; of a backend in its first execution, what its users get by default."""
    costs: dict[str, str] = {}
    for row in rows:
        if row["B"] == B:
            ratio = digits(row["ratio"]["elementwise"][0])
            who = f"{title(row['backend'])} {row['execution']}"
            costs.setdefault(row["backend"], f"{ratio} ({who})")
    return ", ".join(costs.values())


def _drivers(best: Row, rows: list[Row]) -> str:
    """What the same backend takes with another execution, and what dense costs it."""
    told = ""
    for row in rows:
        same = {word for word in query.WORDS if row[word] == best[word]}
        if same == {*query.WORDS} - {"execution"} and "baseline" in row.get("log_ratio", {}):
            times = quotient(sample(row, "baseline"), sample(best, "baseline"))
            drives = CALLS.get(row["execution"], row["execution"])
            told += f"; driven by {drives} it takes {interval(list(times))} times as long"
        dense = row["formulation"] == "dense" and same == {*query.WORDS} - {"formulation"}
        if dense and (times := row["ratio"].get("elementwise")):
            told += f"; its dense form takes {interval(times)} times its elementwise one"
    return told
