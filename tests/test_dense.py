"""Dense is dense by what compilers and counters say; conformance/test_memory.py has the bytes."""

import pytest

import backends
from tests.conformance.test_memory import prepared


@pytest.fixture(params=["linear", "logistic"])
def kind(request):
    return request.param


def test_what_xla_compiles(kind):
    """The compiled text holds B x B arrays and their products for dense, none for elementwise."""
    pytest.importorskip("jax", reason="jax is not installed")
    module, B = backends.load("jax"), 256
    flops = {}
    for way in ("dense", "elementwise"):
        call, arguments = prepared(module, "cpu", kind, way, "step", B)
        compiled = call.lower(*arguments).compile()
        flops[way] = compiled.cost_analysis()["flops"]
        assert (f"f64[{B},{B}]" in compiled.as_text()) == (way == "dense")
    matrices = 1 if kind == "linear" else 2
    print(flops)
    assert flops["dense"] - flops["elementwise"] >= 2 * matrices * B * B * 0.9


def test_what_torch_multiplies(kind):
    """FlopCounterMode counts 2 B^2 for each product of a row and a diagonal matrix."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.flop_counter import FlopCounterMode

    module, B = backends.load("torch"), 256
    flops = {}
    for way in ("dense", "elementwise"):
        call, arguments = prepared(module, "cpu", kind, way, "eager", B)
        with FlopCounterMode(display=False) as counter:
            call(*arguments)
        flops[way] = counter.get_total_flops()
    assert torch.is_inference_mode_enabled() is False
    matrices = 1 if kind == "linear" else 2
    assert flops["dense"] - flops["elementwise"] == 2 * matrices * B * B
