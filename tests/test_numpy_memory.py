"""The memory that NumPy's backend reports, for itself and for the backends based on it."""

import numpy as np
import pytest

import backends
from reference.problems import make
from reference.words import DTYPES, MODELS

NUMPY = backends.load("numpy")


def test_what_a_call_returns_is_not_temporary():
    """8 kB are dropped, and count; 80 kB are returned, and do not count."""

    def call(count):
        kept, _ = np.ones(10 * count), np.ones(count)
        return kept

    assert 8000 <= NUMPY.temporary_bytes(call, 1000) < 16_000


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("way", ["elementwise", "fused"])
def test_float32_takes_half_in_numpy(kind, way):
    """No result of a float32 run shows a float64 buffer, since numbers are rounded at the end."""
    B, taken = 10_000, {}
    train = NUMPY.make_train(kind, way, "eager")
    for dtype in DTYPES:
        p = make(kind, examples=B, batch_size=B, features=1, epochs=1, seed=B, dtype=dtype)
        given = p.W, p.b, p.X, p.Y, p.learning_rate, p.dJ_dJ0, p.epochs
        taken[dtype] = NUMPY.temporary_bytes(train, *given)
    assert taken["float32"] < 0.52 * taken["float64"]
