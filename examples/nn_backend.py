"""torch.nn.Linear, torch.optim.SGD and a loss of torch.nn in a loop: how most people write it."""

from functools import partial

import torch
from torch import nn

from backends.contract import Gradient, Trajectory

BASE = "torch"
FORMULATIONS = ("fused",)  # the library combines sigmoid and loss
EXECUTIONS = ("eager",)

LOSSES = {"linear": nn.MSELoss, "logistic": nn.BCEWithLogitsLoss}


def layer(W, b):  # (F, 1), (1, 1)
    linear = nn.Linear(len(W), 1, device=W.device, dtype=W.dtype)
    with torch.no_grad():
        linear.weight.copy_(W.T)
        linear.bias.copy_(b[0])
    return linear


def gradient(model, W, b, X, Y, dJ_dJ0):
    linear = layer(W, b)
    loss = LOSSES[model]()(linear(X), Y)
    (dJ_dJ0 * len(X) * loss).backward()
    return Gradient(linear.weight.grad.T, linear.bias.grad[None], loss.detach())


def train(model, W, b, X, Y, learning_rate, dJ_dJ0, epochs):
    linear, mean_loss = layer(W, b), LOSSES[model]()
    optimizer = torch.optim.SGD(linear.parameters(), lr=learning_rate)
    weights, biases, losses, accuracies = [W.T], [b[0]], [], []
    for _ in range(epochs):
        for x, y in zip(X, Y, strict=True):
            z = linear(x)
            loss = mean_loss(z, y)
            optimizer.zero_grad()
            (dJ_dJ0 * len(x) * loss).backward()
            optimizer.step()
            weights.append(linear.weight.detach().clone())
            biases.append(linear.bias.detach().clone())
            losses.append(loss.detach())
            if model == "logistic":
                accuracies.append(((z.detach() > 0) == y).mean(dtype=y.dtype))
    W, b = torch.stack(weights).mT, torch.stack(biases)[..., None]
    accuracy = torch.stack(accuracies) if model == "logistic" else None
    return Trajectory(W.contiguous(), b, torch.stack(losses), accuracy)


def make_gradient(model, formulation, execution):
    return partial(gradient, model)


def make_train(model, formulation, execution):
    return partial(train, model)
