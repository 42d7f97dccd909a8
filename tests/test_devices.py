"""Whether cells work on a GPU, as far as a machine without one shows; on one: tests/conformance.

PyTorch runs on tensors without data, on the device "meta", where every operation is watched, and
on tensors that only claim to be on a GPU. JAX runs on the second of two CPU devices, in a process
of its own, since the number of devices is fixed when JAX starts. Each check is also given
functions that are wrong, which it must notice.
"""

import json
import os
import subprocess
import sys
from functools import partial
from inspect import unwrap
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import backends
from reference.problems import make
from reference.words import MODELS

ROOT = Path(__file__).parents[1]
CELLS = ["-".join(words) for words in product(MODELS, backends.FORMULATIONS)]
BY_HAND = ("dense", "elementwise", "fused")  # without the framework's own differentiation


def usable(name):
    """The module of a backend; if its framework is missing the test is skipped."""
    try:
        return backends.load(name)
    except backends.Unavailable as error:
        pytest.skip(str(error))


def small(model):
    return make(model, examples=12, batch_size=4, features=3, epochs=2, seed=1)


def calls(module, p, formulation, execution, put, number=float):
    """Train, gradient and forward of a cell, with arguments that put and number have prepared."""
    W, b, X, Y, X_0, Y_0 = map(put, (p.W, p.b, p.X, p.Y, p.X[0], p.Y[0]))
    rate, dJ_dJ0 = number(p.learning_rate), number(p.dJ_dJ0)
    train = module.make_train(p.model, formulation, execution)
    gradient = module.make_gradient(p.model, formulation, execution)
    return {
        "train": partial(train, W, b, X, Y, rate, dJ_dJ0, p.epochs),
        "gradient": partial(gradient, W, b, X_0, Y_0, dJ_dJ0),
        "forward": partial(module.make_forward(p.model), W, b, X_0, Y_0),
    }


def leaves(tree):
    """The arrays of a result of nested tuples."""
    if isinstance(tree, tuple):
        return [leaf for branch in tree for leaf in leaves(branch)]
    return [] if tree is None else [tree]


def in_a_process(function, **environment):
    """What a function of this file returns in a fresh interpreter, through JSON."""
    code = f"import json, tests.test_devices as t; print(json.dumps(t.{function.__name__}()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# --- PyTorch


def empty(device, array):
    import torch

    return torch.empty(array.shape, dtype=getattr(torch, array.dtype.name), device=device)


def devices_of_operations(call):
    """The devices of all tensors that any operation of a call takes or gives, numbers included."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    seen = set()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            result = operation(*args, **(kwargs or {}))
            tensors = tree_leaves((args, kwargs, result))
            seen.update(t.device.type for t in tensors if isinstance(t, torch.Tensor))
            return result

    with Watch():
        call()
    return seen


@pytest.mark.parametrize("cell", CELLS)
def test_every_operation_is_on_the_device(cell):
    """A tensor of the host would be seen. To read a number fails, since there are no data."""
    module, (model, formulation) = usable("torch"), cell.split("-")
    ready = calls(module, small(model), formulation, "eager", partial(empty, "meta"))
    assert {name: devices_of_operations(call) for name, call in ready.items()} == {
        "train": {"meta"}, "gradient": {"meta"}, "forward": {"meta"}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "noticed"),
    [
        (lambda torch, x: x * torch.tensor(2.0), None),  # computes on the GPU, after a copy to it
        (lambda torch, x: x + torch.ones(3), "is not on the expected device"),
        (lambda torch, x: x * x.sum().item(), "cannot be called on meta tensors"),
        (lambda torch, x: x if x.sum() > 0 else -x, "cannot be called on meta tensors"),
        (lambda torch, x: x + float(x[0]), "cannot be called on meta tensors"),
        (lambda torch, x: torch.from_numpy(x.numpy()), "can't convert meta device type"),
        (lambda torch, x: x.cpu(), "Cannot copy out of meta tensor"),
    ],
)
def test_an_operation_off_the_device_is_noticed(wrong, noticed):
    usable("torch")
    import torch

    call = partial(wrong, torch, torch.empty(3, device="meta"))
    if noticed is None:
        assert devices_of_operations(call) == {"meta", "cpu"}
    else:
        with pytest.raises((RuntimeError, TypeError), match=noticed):
            devices_of_operations(call)


@pytest.mark.parametrize("what", ["forward", "gradient", "train"])
def test_results_on_a_pretended_gpu(what):
    """FakeTensorMode: shapes and devices are followed, nothing is computed; no GPU is needed.

    autodiff and jacrev are tested on "meta" only, as above: autograd requires a real GPU.
    """
    module = usable("torch")
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    if what == "train" and torch.version.cuda is None:
        pytest.skip("train writes W_track[0], which a build of PyTorch without CUDA cannot do")
    for model, formulation in product(MODELS, BY_HAND):
        with FakeTensorMode():
            ready = calls(module, small(model), formulation, "eager", partial(empty, "cuda"))
            found = {array.device.type for array in leaves(ready[what]())}
        assert found == {"cuda"}, (model, formulation)


def test_a_pretended_gpu_notices_the_host():
    usable("torch")
    import torch
    from torch._subclasses import fake_tensor

    with fake_tensor.FakeTensorMode():
        x = torch.empty(3, device="cuda")
        with pytest.raises(fake_tensor.FakeTensorDeviceMismatchError):
            x + torch.ones(3)
        with pytest.raises(fake_tensor.DataDependentOutputException):
            x.sum().item()


def test_only_results_on_the_gpu_are_waited_for(monkeypatch):
    """The wait is timed: a CPU row must not wait, even if the machine has a GPU."""
    module = usable("torch")
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode

    waits = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: waits.append(1))
    module.synchronize((torch.ones(3), torch.ones(3)))
    assert len(waits) == 0
    with FakeTensorMode():
        module.synchronize((torch.empty(3, device="cuda"),))
    assert len(waits) == 1


def torch_settings():
    """The defaults of the process before the backend, and after it was loaded and has trained."""
    import torch

    def defaults():
        found = torch.get_default_device(), torch.get_default_dtype(), torch.is_grad_enabled()
        return [str(value) for value in found]

    before, module = defaults(), backends.load("torch")
    for call in calls(module, small("logistic"), "autodiff", "eager", torch.tensor).values():
        call()
    precision = torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32
    return {"before": before, "after": defaults(), "precision": precision}


def test_no_default_is_touched_and_products_are_not_rounded():
    """TF32 is off, even if the environment asks for it, as some of NVIDIA's containers do."""
    usable("torch")
    settings = in_a_process(torch_settings, TORCH_ALLOW_TF32_CUBLAS_OVERRIDE="1")
    assert settings["before"] == settings["after"] == ["cpu", "torch.float32", "True"]
    assert settings["precision"] == ["highest", False]


# --- JAX


def strays(call, device):
    """A line for each array of a result that is not on the device alone."""
    found = [array.devices() for array in leaves(call())]
    return [f"a result is on {devices}" for devices in found if devices != {device}]


def transfers(call):
    """The error of a guard that forbids implicit transfers, in a warm call: a line, or none.

    It does not notice that the host reads from a CPU device; `reads` does.
    """
    import jax

    jax.block_until_ready(call())
    try:
        with jax.transfer_guard("disallow"):
            jax.block_until_ready(call())
    except Exception as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def reads(call):
    """The error of a call with abstract arrays, which have no numbers that the host could read."""
    import jax

    arrays = [value for value in call.args if isinstance(value, jax.Array)]
    first = [isinstance(value, jax.Array) for value in call.args].index(True)
    before, others = call.args[:first], call.args[first + len(arrays) :]
    function = unwrap(call.func)  # a jit inside another one may not have compiler options
    try:
        jax.eval_shape(lambda *arrays: function(*before, *arrays, *others), *arrays)
    except TypeError as error:
        return [f"{type(error).__name__}: {error}"]
    return []


def faults(module, device, model, formulation, execution):
    """A line for each thing that is wrong with a cell."""
    import jax

    put = partial(jax.device_put, device=device)
    number = put if execution == "run" else float
    ready = calls(module, small(model), formulation, execution, put, number)
    forward = ready["forward"]
    judged = {"train": ready["train"]}
    if execution == "run":  # the gradient of step is the same
        judged |= {"gradient": ready["gradient"], "forward": jitted(forward)}
    return strays(forward, device) + [
        f"{name}: {line}"
        for name, call in judged.items()
        for line in strays(call, device) + transfers(call) + reads(call)
    ]


def jitted(call):
    """A call under jit, as in gradient and train; without jit each constant would be a transfer."""
    import jax

    return partial(jax.jit(call.func), *call.args)


def faults_of_wrong_functions(module, device):
    import jax

    put = partial(jax.device_put, device=device)
    one, elsewhere = put(1.0), jax.devices()[0]
    given_floats = calls(module, small("linear"), "fused", "run", put)
    wrong = {
        "gradient with a Python float": given_floats["gradient"],
        "train with Python floats": given_floats["train"],
        "a constant of the host": partial(lambda x: x + 2.0, one),
        "a number read": partial(lambda x: x if x else -x, one),
        "an array read": partial(lambda x: jax.device_put(np.exp(x), device), one),
        "a result elsewhere": partial(lambda x: jax.device_put(x, elsewhere), one),
    }
    checks = partial(strays, device=device), transfers, reads
    return {name: [line for c in checks for line in c(call)] for name, call in wrong.items()}


def products(module, model, formulation):
    """The precision of each product in the float32 gradient, as it is given to the compiler."""
    import jax

    p = small(model).astype("float32")
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in (p.W, p.b, p.X[0], p.Y[0])]
    text = module.make_gradient(model, formulation, "run").lower(*shapes, p.dJ_dJ0).as_text()
    found = [line for line in text.splitlines() if "dot_general" in line]
    return ["[HIGHEST, HIGHEST]" in line for line in found]


def on_two_devices():
    import jax

    before = dict(jax.config.values)
    module, device = backends.load("jax"), jax.devices()[1]
    cells = list(product(MODELS, backends.FORMULATIONS))
    with jax.default_matmul_precision("default"):
        rounded = products(module, *cells[0])
    return {
        "wrong": faults_of_wrong_functions(module, device),
        "faults": {
            "-".join(cell): [
                f"{execution}: {line}"
                for execution in module.EXECUTIONS
                for line in faults(module, device, *cell, execution)
            ]
            for cell in cells
        },
        "products": {"-".join(cell): products(module, *cell) for cell in cells},
        "rounded": rounded,
        "changed": [name for name, value in jax.config.values.items() if before[name] != value],
    }


@pytest.fixture(scope="module")
def second_device():
    """What was found in a process with two CPU devices, where all arrays were put on the second."""
    usable("jax")
    flags = "--xla_force_host_platform_device_count=2"
    return in_a_process(on_two_devices, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_everything_stays_on_the_second_device(second_device, cell):
    """All results of train (run, step), gradient and forward; and a second call transfers nothing.

    The exceptions are learning_rate and dJ_dJ0, which the contract has as Python floats. The loop
    over steps puts them on the device explicitly, once a run, which the guard allows. A jitted
    gradient or run takes each as an argument, which is a transfer in every call (see below). So
    here both are put on the device beforehand. forward is judged under jax.jit, as gradient and
    train use it.
    """
    assert second_device["faults"][cell] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "noticed"),
    [
        ("gradient with a Python float", "Disallowed host-to-device transfer"),
        ("train with Python floats", "Disallowed host-to-device transfer"),
        ("a constant of the host", "Disallowed host-to-device transfer"),
        ("a number read", "TracerBoolConversionError"),
        ("an array read", "TracerArrayConversionError"),
        ("a result elsewhere", "a result is on {CpuDevice(id=0)}"),
    ],
)
def test_what_leaves_the_second_device_is_noticed(second_device, wrong, noticed):
    (line,) = second_device["wrong"][wrong]
    assert noticed in line


@pytest.mark.slow
def test_only_two_settings_are_changed(second_device):
    """x64 and the precision of products; no default device, no platform."""
    assert sorted(second_device["changed"]) == ["jax_default_matmul_precision", "jax_enable_x64"]


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_products_ask_for_full_precision(second_device, cell):
    """By default a GPU may round the factors of a float32 product to TF32, with 11 bits."""
    asked = second_device["products"][cell]
    assert asked
    assert all(asked)
    assert not any(second_device["rounded"])  # the same with JAX's own default


# --- the cells of a GPU


def collected(*arguments):
    """The ids that pytest collects, in a process of its own; its error, if there are none."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [line for line in done.stdout.splitlines() if "::" in line] or done.stderr


@pytest.fixture
def with_gpu(tmp_path):
    """A backend that says that it has a GPU."""
    source = (ROOT / "backends/numpy_backend.py").read_text()
    text = source.replace('DEVICES = ("cpu",)', 'DEVICES = ("cpu", "cuda")')
    assert text != source
    path = tmp_path / "guest_backend.py"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("arguments", [["tests/conformance"], ["benchmarks", "--benchmark-only"]])
def test_the_cells_of_a_gpu_are_those_of_the_cpu(with_gpu, arguments):
    ids = set(collected(*arguments, "--backend", with_gpu))
    on_gpu = {i for i in ids if "-cuda" in i}
    assert on_gpu
    assert {i.replace("-cuda", "-cpu") for i in on_gpu} == ids - on_gpu
    assert set(collected(*arguments, "--backend", with_gpu, "--device", "cuda")) == on_gpu


def test_a_gpu_that_is_not_there_is_a_usage_error():
    complaint = collected("--backend", "numpy", "--device", "cuda")
    assert "no backend has the combination --backend numpy --device cuda" in complaint
