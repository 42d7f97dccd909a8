"""Small atlases for the tests, made by hand."""

from benchmarks.store.atlas import (
    DIGITS,
    KIND,
    NAN,
    SCHEMA,
    Atlas,
    Default,
    Described,
    Finding,
    Judged,
    Kink,
    Missing,
    Worst,
)  # fmt: skip

ROWS = ("numpy eager", "numba step", "jax step", "torch eager", "torch step")
CURVE = [[-4.0, 0.0, 4.0], [0.5, 0.0, 1.5]]


def judged(name: str, row: str, value: float = 0.5, derivative: float = 0.7, dtype="float64"):
    """A row whose largest errors are known."""
    backend, execution = row.split(" ")
    return Judged(
        map=name, backend=backend, execution=execution, dtype=dtype, value=Worst(value, "1.5"),
        derivative=Worst(derivative, "-40"), curves=(CURVE, CURVE),
    )  # fmt: skip


def finding(name: str, row: str, kind: str = DIGITS, **changes):
    """A finding of a row."""
    backend, execution = row.split(" ")
    words = {
        "map": name, "backend": backend, "execution": execution, "dtype": "float64",
        "quantity": "derivative", "kind": kind, "x": "-40", "found": "0", "exact": "4.25e-18",
        "ulp": 5e15, "low": "-700", "high": "-36.5", "points": 40, "share": 0.1,
    }  # fmt: skip
    return Finding(**words | changes)


def atlas(**changes) -> Atlas:
    """Two maps: jax loses digits of elu', and PyTorch has another derivative of clip at 1."""
    rows = [judged(name, row) for name in ("elu", "clip") for row in ROWS]
    rows[2] = judged("elu", "jax step", derivative=5e15)
    at_kink = {"numpy eager": "0", "numba step": "0", "jax step": "0.5", "torch eager": "1",
               "torch step": "1"}  # fmt: skip
    words = {
        "kind": KIND, "schema": SCHEMA, "datetime": "2026-11-26T10:00:00+00:00", "seconds": 1.0,
        "versions": {"numpy": "2.4.6", "jax": "0.10.2", "torch": "2.13.0"}, "machine": "A machine",
        "points": {"float64": (600, 640)},
        "maps": [Described(name, f"{name}(x)", "a book", "mpmath") for name in ("elu", "clip")],
        "judged": rows,
        "findings": [finding("elu", "jax step"),
                     finding("clip", "jax step", NAN, x="nan", found="1", exact="nan", ulp=None,
                             low="nan", high="nan", points=1, share=0.0)],
        "kinks": [Kink("clip", "float64", "1", "1", "0", at_kink),
                  Kink("elu", "float64", "0", "1", "1", dict.fromkeys(ROWS, "1"))],
        "defaults": [Default("gelu", {"jax": "gelu_tanh", "torch": "gelu_erf"}, 5e-4),
                     Default("relu", {"jax": "relu", "torch": "relu"}, 0.0)],
        "missing": [Missing("numba", "numba is not installed")],
    }  # fmt: skip
    return Atlas(**words | changes)
