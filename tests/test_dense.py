"""The matrices of dense in compiled code and FLOP counts; bytes: conformance/test_memory.py."""

import pytest

import backends
from benchmarks.measure.calls import gradient_and_arguments
from benchmarks.measure.inputs import on_device
from reference.models import load
from reference.problems import make
from reference.words import MODELS

B = 256


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


def prepared(model, backend, execution, formulation):
    """The gradient function of a cell on the CPU, and arguments for it."""
    problem = make(model, examples=B, batch_size=B, features=3, epochs=1, seed=B)
    cell = backends.Cell(model, backend, execution, "cpu", formulation, "float64")
    return gradient_and_arguments(cell, problem)


def test_what_xla_compiles(kind):
    """The compiled text holds B x B arrays and their products for dense, none for elementwise."""
    pytest.importorskip("jax", reason="jax is not installed")
    flops = {}
    for way in ("dense", "elementwise"):
        call, arguments = prepared(kind, "jax", "step", way)
        compiled = call.lower(*arguments).compile()
        flops[way] = compiled.cost_analysis()["flops"]
        assert (f"f64[{B},{B}]" in compiled.as_text()) == (way == "dense")
    matrices = len(load(kind).JACOBIANS)
    print(flops)
    assert flops["dense"] - flops["elementwise"] >= 2 * matrices * B * B * 0.9


def test_every_step_of_a_compiled_run(kind):
    """The loop of JAX's whole run holds the matrix: what surrounds the loop does not."""
    pytest.importorskip("jax", reason="jax is not installed")
    p = make(kind, examples=4 * B, batch_size=B, features=3, epochs=2, seed=B)
    cell = backends.Cell(kind, "jax", "run", "cpu", "dense", "float64")
    module = backends.load("jax")
    train = module.make_train(kind, cell.formulation, cell.execution)
    arrays = on_device(cell, p.W, p.b, p.X, p.Y)
    text = train.lower(*arrays, p.learning_rate, p.dJ_dJ0, p.epochs).compile().as_text()
    blocks = text.split("\n\n")
    [entry] = [block for block in blocks if block.startswith("ENTRY")]
    assert f"f64[{B},{B}]" in text
    assert f"f64[{B},{B}]" not in entry


def test_what_torch_multiplies(kind):
    """FlopCounterMode counts 2 B^2 for each product of a row and a diagonal matrix."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.flop_counter import FlopCounterMode

    flops = {}
    for way in ("dense", "elementwise"):
        call, arguments = prepared(kind, "torch", "eager", way)
        with FlopCounterMode(display=False) as counter:
            call(*arguments)
        flops[way] = counter.get_total_flops()
    assert torch.is_inference_mode_enabled() is False
    matrices = len(load(kind).JACOBIANS)
    assert flops["dense"] - flops["elementwise"] == 2 * matrices * B * B
