"""Training runs that are wrong on purpose, as the ports of tests/own_ports.py.

Each makes the arguments of compare_training.
"""

import optax
import torch

from diagjac import with_optax, with_torch
from tests.own_examples import example
from tests.own_ports import Port, torch_network

mlp, training = map(example, ("mlp", "training"))
RUNS: dict[str, Port] = {}


def port(kind):
    """Add a run to RUNS under the name of the function that makes it."""

    def add(make):
        RUNS[make.__name__] = Port(kind, make)
        return make

    return add


RATE = 0.05
ADAM = with_optax(mlp.jax_loss, optax.adam(0.01))


def run(first, other, **changes):
    words = {"params": mlp.params, "batches": training.batches[:4]}
    return {"functions": {"jax": first, "torch": other}} | words | changes


def sgd(loss, change=lambda p, g: p - RATE * g):
    def step(params, state, batch):
        grads = torch.autograd.grad(loss(params, batch), list(params.values()))
        pairs = zip(params.items(), grads, strict=True)
        return {name: change(p, g) for (name, p), g in pairs}, None

    return lambda params: None, step


SGD = with_optax(mlp.jax_loss, optax.sgd(RATE))


@port("factor")
def larger_rate():
    return run(SGD, sgd(torch_network, lambda p, g: p - 1.1 * RATE * g))


@port("batch")
def batch_late_by_one():
    def step(params, state, batch):
        used = state or batch  # the first is right, then each is that of the step before
        return sgd(torch_network)[1](params, None, used)[0], batch

    return run(SGD, (lambda params: None, step))


@port("no gradient")
def bias_that_is_not_updated():
    def step(params, state, batch):
        new, state = sgd(torch_network)[1](params, state, batch)
        return new | {"b2": params["b2"]}, state

    return run(SGD, (lambda params: None, step))


def momentum(kept):
    """SGD with momentum; kept says which of the old and the new velocity is the next state."""

    def init(params):
        return {name: torch.zeros_like(p) for name, p in params.items()}

    def step(params, velocity, batch):
        grads = torch.autograd.grad(torch_network(params, batch), list(params.values()))
        pairs = zip(velocity.items(), grads, strict=True)
        new = {name: 0.9 * v + g for (name, v), g in pairs}
        moved = {name: p - RATE * new[name] for name, p in params.items()}
        return moved, kept(velocity, new)

    return init, step


MOMENTUM = with_optax(mlp.jax_loss, optax.sgd(RATE, momentum=0.9))


@port("stale")
def state_late_by_one():
    """The velocity that is used is that of the step before."""

    def init(params):
        zeros = {name: torch.zeros_like(p) for name, p in params.items()}
        return zeros, zeros

    def step(params, state, batch):
        used, newest = state
        grads = torch.autograd.grad(torch_network(params, batch), list(params.values()))
        pairs = list(zip(params, grads, strict=True))
        moved = {n: params[n] - RATE * (0.9 * used[n] + g) for n, g in pairs}
        return moved, (newest, {n: 0.9 * newest[n] + g for n, g in pairs})

    return run(MOMENTUM, (init, step))


@port("stale")
def state_that_is_not_kept():
    return run(MOMENTUM, momentum(lambda old, new: old))


@port("stale")
def gradient_at_the_parameters_before():
    """As in a pipeline: the gradient was taken before the last update."""

    def step(params, state, batch):
        old = {n: p.detach().requires_grad_() for n, p in (state or params).items()}
        grads = torch.autograd.grad(torch_network(old, batch), list(old.values()))
        pairs = zip(params.items(), grads, strict=True)
        return {n: p - RATE * g for (n, p), g in pairs}, params

    return run(SGD, (lambda params: None, step))


@port("eps")
def eps_under_the_root():
    """sqrt(v + eps) in place of sqrt(v) + eps."""
    return run(ADAM, adam(lambda mean, square: mean / torch.sqrt(square + 1e-8)))


def adam(direction):
    def init(params):
        zeros = {name: torch.zeros_like(p) for name, p in params.items()}
        return 0, zeros, zeros

    def step(params, state, batch):
        count, first, second = state
        count += 1
        grads = torch.autograd.grad(torch_network(params, batch), list(params.values()))
        grads = dict(zip(params, grads, strict=True))
        first = {n: 0.9 * first[n] + 0.1 * g for n, g in grads.items()}
        second = {n: 0.999 * second[n] + 0.001 * g**2 for n, g in grads.items()}
        rates = 1 - 0.9**count, 1 - 0.999**count
        new = {
            n: p - 0.01 * direction(first[n] / rates[0], second[n] / rates[1])
            for n, p in params.items()
        }
        return new, (count, first, second)

    return init, step


@port("weight decay")
def weight_decay_outside_of_the_gradient():
    adam = with_torch(torch_network, lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.01))
    return run(with_optax(mlp.jax_loss, optax.adamw(0.01, weight_decay=0.01)), adam)


@port("weight decay")
def weight_decay_in_one_only():
    adamw = with_torch(torch_network, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1))
    return run(ADAM, adamw)


# --- runs that are right: no alarm

PAIRS = {
    "SGD": {"jax": SGD, "torch": sgd(torch_network)},
    "momentum": {"jax": MOMENTUM, "torch": momentum(lambda old, new: new)},
    "Adam": training.functions,
    "AdamW": {
        "jax": with_optax(mlp.jax_loss, optax.adamw(0.01, weight_decay=0.01)),
        "torch": with_torch(
            torch_network, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.01)
        ),
    },
}
