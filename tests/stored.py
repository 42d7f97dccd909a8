"""Stored runs for the tests, made by hand: every kind of row, with ratios that are known."""

from typing import Any

import numpy as np

from benchmarks.analyse.intervals import ratio
from benchmarks.analyse.merge import sample
from benchmarks.store.run import typed
from benchmarks.store.schema import CURRENT

WORDS = ("model", "backend", "execution", "device", "formulation", "dtype")
CONDITIONS = {
    "threads": "1 in each pool", "pools": {"libx.so": "1.0 1 threads"}, "settings": {"numpy": {}},
    "allocator": "default of glibc 2.36", "denormals": "kept", "garbage collector": "off",
    "system": {"governor": "not readable", "huge pages": "madvise"},
    "versions": {"numpy": "2.4.6", "jax": "0.10.2"}, "pins": "e0a63d840774cd3e",
}  # fmt: skip
PAIRS = (-0.002, 0.0, 0.002)  # the scatter of the rounds of a process, in logarithms


def row(group: str, words: str, seconds: float, ratios: dict[str, float], **facts: Any) -> dict:
    """A row of three processes with the given ratios, which every round is close to."""
    info = {"kind": group.split(" ")[0]} | dict(zip(WORDS, words.split(), strict=True)) | {
        "rounds": [3, 3, 3], "faults": [0.0, 0.0, 0.0], "void": "", "conditions": "",
        "verdict": {"passed": True, "obstacle": "", "checks": [check("state", 1.0, 16.0)]},
    } | facts  # fmt: skip
    info["log_ratio"] = {
        name: [[float(np.log(value)) + shift + pair for pair in PAIRS] for shift in PAIRS]
        for name, value in ratios.items()
    }
    stats = {"median": seconds, "q1": 0.9 * seconds, "q3": 1.1 * seconds}
    made = {"group": group, "stats": stats, "extra_info": info}
    info["ratio"] = {name: list(ratio(sample(info["log_ratio"], name))) for name in ratios}
    return made


def check(quantity: str, observed: float, allowed: float) -> dict:
    """A check of a verdict."""
    return {"quantity": quantity, "observed": observed, "allowed": allowed, "unit": "ULP"}


def gradients(
    backend: str = "numpy eager", sizes: tuple[int, ...] = (32, 256, 1024), model: str = "logistic"
) -> list[dict]:
    """Dense and elementwise over the sizes: dense grows as B^2 and takes 4 times as long at 256."""
    made = []
    for B in sizes:
        group, factor = f"gradient {model} float64: B = {B}", 4 * (B / 256) ** 2
        memory = {"B": B, "temporary_bytes": 8 * B * B + 64, "matrix_bytes": 8 * B * B}
        for formulation, times in (("dense", factor), ("elementwise", 1.0)):
            words = f"{model} {backend} cpu {formulation} float64"
            beside = {"baseline": times / 4} | ({"elementwise": times} if times != 1 else {})
            beside |= {"traffic": 2.0} if (formulation, B) == ("dense", 1024) else {}
            own = memory if formulation == "dense" else memory | {"matrix_bytes": 0}
            made.append(row(group, words, 1e-5 * times, beside, **own))
    return made


def trainings(*cells: str, model: str = "logistic") -> list[dict]:
    """A training run of each cell (backend execution formulation), each 2 ms slower."""
    made = []
    for i, cell in enumerate(cells, 1):
        backend, execution, formulation = cell.split(" ")
        words = f"{model} {backend} {execution} cpu {formulation} float64"
        beside = {"C": 2.0 * i, "baseline": 0.01 * i}
        steps, ulp = [9, 19, 29], [0.0, 1.0, 0.5]
        facts = {"steps": 30, "distance": [steps, ulp]}
        made.append(row(f"training {model} float64: 30 steps", words, 2e-3 * i, beside, **facts))
    return made


def life(cell: str = "jax run", caches: str = "cold", **changes: Any) -> dict:
    """The life of an elementwise cell."""
    stages = {
        "import": 0.4, "to device": 1e-3, "trace": 0.05, "compile": 0.5, "first run": 0.06,
        "steady": 0.05, "to host": 1e-3, "numpy": 0.25,
    } | changes.pop("life", {})  # fmt: skip
    facts = {"caches": caches, "life": stages, "compiles": True, "break_even": 20803} | changes
    words = f"logistic {cell} cpu elementwise float64"
    return row(f"life logistic float64, {caches} caches", words, 1.5, {}, **facts)


def eager_life(caches: str = "cold") -> dict:
    """The life of eager NumPy, which compiles nothing: early to start, slow in each step."""
    stages = {"import": 0.1, "trace": None, "compile": None, "first run": 0.25, "steady": 0.25}
    return life("numpy eager", caches, compiles=False, life=stages)


def large(cell: str = "numba step", B: int = 65536, F: int = 3) -> dict:
    """A fused gradient of a large batch."""
    words = f"logistic {cell} cpu fused float64"
    beside = {"elementwise": 0.3, "reading": 5.0, "exponentials": 2.0, "products": 3.0}
    group, facts = f"large logistic float64: B = {B}, F = {F}", {"examples": B, "features": F}
    return row(group, words, 1e-9 * B, beside, **facts)


SHARES = (1, 512), (1, 1024), (2, 1024), (4, 1024), (4, 2048)  # n devices and B of FORMED
FORMED = {  # bytes that a logistic gradient formed on a device, as measured
    "jax run dense automatic": (4206592, 16801792, 4218968, 2121816, 8437848),
    "jax run dense batch": (4206592, 16801792, 4206616, 1054744, 4206616),
    "jax run elementwise automatic": (20480, 40960, 20504, 10264, 20504),
    "jax run elementwise batch": (20480, 40960, 20504, 10264, 20504),
    "torch eager dense automatic": (2121696, 8437728, 8421344, 8413152, 33603552),
    "torch eager dense batch": (2121680, 8437712, 2121680, 536528, 2121680),
    "torch eager elementwise automatic": (24544, 49120, 24544, 12256, 24544),
    "torch eager elementwise batch": (24528, 49104, 24528, 12240, 24528),
}
TIMED = 2  # so many devices have a processor each
GATHERED = "dense", "automatic"


def shards(
    places: tuple[tuple[int, int], ...] = SHARES, cells: tuple[str, ...] = (*FORMED,)
) -> list[dict]:
    """What each device does in gradients over n devices with B examples."""
    made = []
    for cell in cells:
        backend, execution, formulation, partition = cell.split(" ")
        for (n, B), size in zip(SHARES, FORMED[cell], strict=True):
            words = "logistic", backend, execution, "cpu", formulation, "float64"
            gathers = {"all-gather": [1, 8 * B]} if (formulation, partition) == GATHERED else {}
            why = f"not measured: fewer processors than {n} devices" if n > TIMED else ""
            made.append(dict(zip(WORDS, words, strict=True)) | {
                "sharding": f"{partition}/{n}", "B": B, "temporary_bytes": size,
                "collectives": (gathers | {"all-reduce": [1, 40]}) if n > 1 else {},
                "checks": [check("state", 4.0, 16.0)], "void": "", "not_timed": why,
            })  # fmt: skip
    return [one for one in made if (int(one["sharding"][-1]), one["B"]) in places]


def sharded(own: list[dict]) -> list[dict]:
    """The timed rows of these: n devices take 1 / n of one, dense 8 times elementwise."""
    made = []
    for one in own:
        n = int(one["sharding"].split("/")[1])
        beside = {"one device": 1.0 / n}
        beside |= {"elementwise": 8.0} if one["formulation"] == "dense" else {}
        words = " ".join(one[word] for word in WORDS)
        facts = {"kind": "sharded", "sharding": one["sharding"], "B": one["B"]}
        group = f"devices {one['model']} {one['dtype']}: B = {one['B']}"
        if not one["not_timed"]:
            made.append(row(group, words, 1e-3 / n, beside, **facts))
    return made


def over_devices(own: list[dict]) -> dict:
    """A run of batches that several devices share."""
    left = [
        {word: one[word] for word in (*WORDS, "sharding")} | {"reason": one["not_timed"]}
        for one in own if one["not_timed"]
    ]  # fmt: skip
    return run(*sharded(own), shards=own, left_out=left)


def void(words: str = "logistic torch eager cpu dense float64", why: str = "it is wrong") -> dict:
    """A void row of a training run."""
    named = dict(zip(WORDS, words.split(), strict=True))
    group = "training logistic float64: 30 steps"
    return named | {"kind": "training", "group": group, "void": why, "conditions": ""}


def left_out(reason: str = "too large") -> dict:
    """A row that was not measured."""
    words = ["logistic", "torch", "step", "cpu", "jacrev", "float64"]
    return dict(zip(WORDS, words, strict=True)) | {"reason": reason}


def trajectories() -> list[dict]:
    """One of linear and one of logistic, which is long enough to be drawn as a band."""
    steps = np.arange(1300)
    logistic = {"loss": (1 / (1 + steps)).tolist(), "accuracy": (steps / 1300).tolist()}
    linear = {"loss": [3.0, 1.0], "parameters": [[1.0, 2.0], [0.5, 0.0]], "true": [2.0, 0.0]}
    return [
        {"model": "linear", "dtype": "float64"} | linear,
        {"model": "logistic", "dtype": "float64"} | logistic,
    ]


def run(*rows: dict, **changes: Any) -> dict:
    """A run of these rows."""
    process = {"name": "numpy", "conditions": CONDITIONS, "drift": 0.01, "unstable": False}
    return {
        "schema": CURRENT, "benchmarks": list(rows), "void": [], "left_out": [], "failed": [],
        "quick": False, "trajectories": [], "processes": [process],
        "datetime": "2026-11-23T23:37:46+00:00", "version": "5.3.1",
        "commit_info": {"id": "0123456789abcdef", "dirty": False},
        "machine_info": {"system": "Linux", "cpu": {"brand_raw": "A processor"}},
    } | changes  # fmt: skip


def rows(made: dict) -> Any:
    """The rows of a run, as tables and figures take them."""
    from benchmarks.analyse.frame import rows_of
    from benchmarks.show.tables import prepared

    return prepared(rows_of(typed(made)))


def whole() -> dict:
    """A run with everything that the report shows."""
    cells = ("numba run fused", "numba run dense", "numba step fused", "torch block dense",
             "numpy eager dense", "native run fused")  # fmt: skip
    return run(
        *gradients(), *gradients("jax step", model="linear"), *trainings(*cells), life(),
        eager_life(), eager_life("warm"),
        life(caches="warm", life={"import": 0.44}, break_even=None),
        large(), large(F=512), large("jax step", 4096), *sharded(shards()), shards=shards(),
        void=[void()], left_out=[left_out()], trajectories=trajectories(),
    )  # fmt: skip
