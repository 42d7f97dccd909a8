"""Dense is dense by what compilers and counters say; conformance/test_memory.py has the bytes."""

import pytest

import backends
from reference.models import load
from reference.problems import make
from reference.words import MODELS

B = 256


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


def prepared(module, model, formulation, execution):
    """The gradient function of a cell on the CPU, and arguments for it."""
    problem = make(model, examples=B, batch_size=B, features=3, epochs=1, seed=B)
    arrays = (problem.W, problem.b, problem.X[0], problem.Y[0])
    gradient = module.make_gradient(model, formulation, execution)
    return gradient, [*(module.from_numpy(a, "cpu") for a in arrays), problem.dJ_dJ0]


def test_what_xla_compiles(kind):
    """The compiled text holds B x B arrays and their products for dense, none for elementwise."""
    pytest.importorskip("jax", reason="jax is not installed")
    module = backends.load("jax")
    flops = {}
    for way in ("dense", "elementwise"):
        call, arguments = prepared(module, kind, way, "step")
        compiled = call.lower(*arguments).compile()
        flops[way] = compiled.cost_analysis()["flops"]
        assert (f"f64[{B},{B}]" in compiled.as_text()) == (way == "dense")
    matrices = len(load(kind).JACOBIANS)
    print(flops)
    assert flops["dense"] - flops["elementwise"] >= 2 * matrices * B * B * 0.9


def test_what_torch_multiplies(kind):
    """FlopCounterMode counts 2 B^2 for each product of a row and a diagonal matrix."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.flop_counter import FlopCounterMode

    module = backends.load("torch")
    flops = {}
    for way in ("dense", "elementwise"):
        call, arguments = prepared(module, kind, way, "eager")
        with FlopCounterMode(display=False) as counter:
            call(*arguments)
        flops[way] = counter.get_total_flops()
    assert torch.is_inference_mode_enabled() is False
    matrices = len(load(kind).JACOBIANS)
    assert flops["dense"] - flops["elementwise"] == 2 * matrices * B * B
