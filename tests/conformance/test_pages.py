"""Dense forms its matrices in every step, not in the first one alone: fresh pages show it.

linear has no probe of a later step (test_structure.py): its row is the same constant in all steps.
A matrix of more than 32 MiB never comes from memory that glibc keeps: each one takes new pages, and
each page that is written to is a minor fault. So the faults of a run count the matrices that it
fills. Compiled blocks and runs may write all matrices into one buffer, and are not judged so.
"""

import ctypes
import sys
from collections.abc import Iterator

import pytest

from reference.models import load
from reference.problems import make
from reference.structure import RATE, probes

B, K = 2080, 4  # one matrix: 33 MiB in float64
PAGE = 4096
SET_THP_DISABLE = 41  # of prctl
SHARE = 0.9  # of the pages of all matrices: a kernel may map a few pages in one fault

if sys.platform == "linux":
    import resource
pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="how memory is given back is known for glibc on Linux alone"
)


@pytest.fixture
def no_huge_pages() -> Iterator[None]:
    """NumPy asks for huge pages, and one fault fills a whole one."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(SET_THP_DISABLE, 1, 0, 0, 0) == 0
    yield
    assert libc.prctl(SET_THP_DISABLE, 0, 0, 0, 0) == 0


def minor_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.usefixtures("no_huge_pages")
def test_every_step_fills_its_matrices(subject):
    if subject.formulation != "dense" or probes(subject.model, (K, B, 3), "float64", k=1):
        pytest.skip("dense alone forms matrices; models with a probe of each step have that")
    if subject.execution not in ("eager", "step") or subject.device != "cpu":
        pytest.skip("one buffer may serve all steps")
    p = make(subject.model, examples=K * B, batch_size=B, features=3, epochs=1, seed=1)
    train = subject.module.make_train(subject.model, subject.formulation, subject.execution)
    arrays = subject.put(p.W, p.b, p.X, p.Y)
    subject.get(train(*arrays, RATE, p.dJ_dJ0, 1))  # compiles, and loads code from disk
    before = minor_faults()
    subject.get(train(*arrays, RATE, p.dJ_dJ0, 1))
    pages = K * len(load(subject.model).JACOBIANS) * B * B * 8 / PAGE
    assert minor_faults() - before >= SHARE * pages
