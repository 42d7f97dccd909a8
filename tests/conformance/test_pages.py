"""Dense forms its matrices in every step, not in the first one alone: fresh pages show it.

linear has no probe of a later step (test_structure.py): its row is the same constant in all steps.
A matrix takes new pages where glibc has no free chunk of its size, and each page that is written to
is a minor fault. So the faults of a run count the matrices that it fills. Compiled blocks and runs
may write all matrices into one buffer, and are not judged so.
"""

import ctypes
import sys
from collections.abc import Iterator

import pytest

from reference.models import load
from reference.problems import make
from reference.structure import RATE, probes

B, K = 2912, 4  # one matrix: 64.7 MiB in float64, more than a whole heap of a thread (64 MiB)
MATRIX = B * B * 8  # bytes
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


class MallInfo(ctypes.Structure):
    """What glibc's mallinfo returns; hblks counts the chunks that have pages of their own."""

    _fields_ = [(name, ctypes.c_int) for name in ("arena", "ordblks", "smblks", "hblks")] + [
        ("rest", ctypes.c_int * 6)
    ]


@pytest.fixture
def no_free_chunks() -> Iterator[None]:
    """Hold every free chunk that a matrix fits into: earlier tests may have left some."""
    libc = ctypes.CDLL(None)
    libc.mallinfo.restype = MallInfo
    libc.malloc.restype = ctypes.c_void_p
    held = []
    of_their_own = libc.mallinfo().hblks
    while libc.mallinfo().hblks == of_their_own:
        held.append(ctypes.c_void_p(libc.malloc(ctypes.c_size_t(MATRIX))))
    yield
    for chunk in held:
        libc.free(chunk)


def minor_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.usefixtures("no_huge_pages", "no_free_chunks")
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
    pages = K * len(load(subject.model).JACOBIANS) * MATRIX / PAGE
    assert minor_faults() - before >= SHARE * pages
