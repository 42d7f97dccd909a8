"""Correct pairs raise no alarm; wrong ports are caught, and most of them explained.

python -m pytest tests/test_own_ports.py -m slow -s prints the table of wrong ports.
"""

from importlib import import_module

import numpy as np
import pytest

import diagjac
from tests.own_calibration import calibrate

pytest.importorskip("jax")
pytest.importorskip("torch")
PAIRS = import_module("tests.own_pairs").PAIRS
PORTS = import_module("tests.own_ports").PORTS

QUICK = (
    "off_by_a_billionth",
    "sum_for_mean",
    "missing_bias",
    "transposed_weight",
    "labels_in_reverse_order",
    "detached_parameter",
)
WANTED = 24  # of all wrong ports are to be explained rightly
TRAININGS = 3  # random starts


def found(port, compare):
    """The verdict on a port, and the kind of the first explanation."""
    given = port.make()
    functions, params = given.pop("functions"), given.pop("params")
    data = given.pop("batches", None) or given.pop("batch")
    [comparison] = compare(functions, params, data, **given).comparisons
    kinds = [finding.kind for finding in comparison.findings]
    return comparison.verdict, kinds[0] if kinds else None


@pytest.mark.parametrize("name", QUICK)
def test_a_wrong_port_is_caught_and_explained(name):
    port = PORTS[name]
    assert found(port, diagjac.compare_gradients) == ("differs", port.kind)


@pytest.mark.parametrize("name", ["network, 32 examples", "softmax regression", "attention"])
def test_a_correct_port_agrees(name):
    row = calibrate(PAIRS[name], "float64", seeds=2)
    assert (row.differs, row.cannot_tell) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_no_false_alarm(name, floats):
    """20 seeds each; in float32 some cannot be told."""
    row = calibrate(PAIRS[name], floats)
    assert row.differs == 0
    assert row.cannot_tell <= (0 if floats == "float64" else row.compared / 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SGD", "momentum", "Adam", "AdamW"])
@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_no_false_alarm_in_training(name, floats):
    pytest.importorskip("optax")
    from tests.own_pairs import like
    from tests.own_runs import PAIRS, mlp, training

    for seed in range(TRAININGS):
        params = like(mlp.params, np.random.default_rng(seed), 0.5)
        words = {"dtype": floats, "seed": seed}
        report = diagjac.compare_training(PAIRS[name], params, training.batches, **words)
        assert report.agrees, str(report)


@pytest.mark.slow
def test_all_wrong_ports():
    """All are caught; the explanation is right in most, and an unknown error is not explained."""
    pytest.importorskip("optax")
    from tests.own_runs import RUNS

    told = {name: found(port, diagjac.compare_gradients) for name, port in PORTS.items()}
    told |= {name: found(port, diagjac.compare_training) for name, port in RUNS.items()}
    ports = PORTS | RUNS
    right = [name for name in ports if told[name][1] == ports[name].kind]
    for name, (verdict, kind) in told.items():
        mark = "right" if name in right else f"WRONG, it is {ports[name].kind}"
        print(f"{name:42} {verdict:8} {kind or 'no explanation':18} {mark}")
    print(f"{len(ports)} wrong ports, {len(right)} explained rightly")
    assert len(ports) >= 30
    assert [name for name in ports if told[name][0] != "differs"] == []
    assert len([name for name in right if ports[name].kind]) >= WANTED
    assert all(told[name][1] is None for name in ports if ports[name].kind is None)


@pytest.mark.parametrize("floats", ["float64", "float32"])
def test_what_float32_cannot_see(floats):
    """A relative error of 1e-9 is below float32's rounding, and so is no difference there."""
    given = PORTS["off_by_a_billionth"].make()
    report = diagjac.compare_gradients(
        given["functions"], given["params"], given["batch"], dtype=floats
    )
    assert report.verdict == {"float64": "differs", "float32": "agrees"}[floats]


def test_functions_that_are_differentiated_by_both():
    """The same loss twice in one framework, as after a rewrite; nan where there is none."""
    from tests.own_ports import mlp

    functions = {"torch: old": mlp.torch_loss, "torch: new": mlp.torch_loss, "jax": mlp.jax_loss}
    report = diagjac.check_gradients(functions, mlp.params, mlp.batch)
    old, new = (comparison.distances for comparison in report.comparisons)
    assert all(d.apart == 0 for d in old)
    assert any(d.apart > 0 for d in new)
    assert np.isfinite([d.units for d in new]).all()
