# %% [markdown]
# # From `row @ np.diag(d)` to a port that you can trust
#
# A lesson of ten minutes, with NumPy and this project's `diagjac`; the last part wants PyTorch.
# You derive a gradient with its Jacobians written out, write it again in a faster form, and ask of
# each new form the question that everybody asks who moves a model from one library to another: *is
# it the same, or is the difference a mistake?* Open it as a notebook (`jupytext --to ipynb
# lesson.py`, or in an editor that knows `# %%` cells), or run it: `python examples/own/lesson.py`.

# %%
from importlib.util import find_spec

import numpy as np

import diagjac

B, FEATURES, C = 32, 4, 3  # examples, features, classes
stream = np.random.default_rng(0)
params = {"W": stream.normal(0, 0.5, (FEATURES, C)), "b": np.zeros(C)}
batch = {"X": stream.normal(0, 1, (B, FEATURES)), "Y": stream.normal(0, 1, (B, C))}

# %% [markdown]
# ## An elementwise map has a diagonal Jacobian
#
# $Z = XW + b$, $A = \tanh(Z)$, $J = \mathrm{mean}\,(A - Y)^2$. Entry $i$ of $A$ depends on
# entry $i$ of $Z$ alone. With all entries of the batch in one row, $dA/dZ$ is a diagonal matrix of
# $BC \times BC$ numbers, and so is the Jacobian of the square.


# %%
def dense(row, diagonal):  # (1,n), (n,) -> (1,n): forms n * n numbers
    return row @ np.diag(diagonal)


def elementwise(row, diagonal):  # (1,n), (n,) -> (1,n): forms n numbers
    return row * diagonal


def gradient(pullback, params, batch):
    X, Y = batch["X"], batch["Y"]
    A = np.tanh(X @ params["W"] + params["b"])  # (B,C)
    row = np.full((1, A.size), 1 / A.size)  # dJ of each square
    row = pullback(row, 2 * (A - Y).ravel())  # through the square
    row = pullback(row, (1 - A**2).ravel())  # through tanh
    dJ_dZ = row.reshape(A.shape)
    return ((A - Y) ** 2).mean(), {"W": X.T @ dJ_dZ, "b": dJ_dZ.sum(axis=0)}


def by_dense(params, batch):
    return gradient(dense, params, batch)


def by_elementwise(params, batch):
    return gradient(elementwise, params, batch)


one, two = by_dense(params, batch)[1], by_elementwise(params, batch)[1]
assert all(np.array_equal(one[name], two[name]) for name in one)
print("dense and elementwise agree to the last bit")

# %% [markdown]
# ## Agree to the last bit? Rarely
#
# The two forms above do the same roundings: adding zeros rounds nothing. Now write the same
# derivative as $1/\cosh^2 Z$. On paper nothing changes; in floating point the last digits do.


# %%
def by_cosh(params, batch):
    X, Y = batch["X"], batch["Y"]
    Z = X @ params["W"] + params["b"]
    dJ_dZ = 2 * (np.tanh(Z) - Y) / np.cosh(Z) ** 2 / Z.size
    return ((np.tanh(Z) - Y) ** 2).mean(), {"W": X.T @ dJ_dZ, "b": dJ_dZ.sum(axis=0)}


far = np.abs(by_cosh(params, batch)[1]["W"] - one["W"]).max()
print(f"by cosh, W's gradient is {far:.1e} away: rounding, or a small mistake?")

# %% [markdown]
# ## What rounding explains
#
# A tolerance like `rtol=1e-6` is a guess: too wide for this gradient, too narrow for an
# ill-conditioned one. Ask the function instead. Move every input by at most one unit in its last
# place, at random, and see how far the gradient moves. Nobody can expect two programs to be nearer
# to each other than that.


# %%
def moved(array):
    return array * (1 + np.finfo(float).eps * stream.uniform(-1, 1, array.shape))


def moved_gradient():
    at = [{name: moved(array) for name, array in tree.items()} for tree in (params, batch)]
    return by_dense(*at)[1]["W"]


changes = [moved_gradient() - one["W"] for _ in range(16)]
unit = np.sqrt(np.mean(np.square(changes)))
apart = np.sqrt(np.mean((by_cosh(params, batch)[1]["W"] - one["W"]) ** 2))
print(f"the unit is {unit:.1e}; by cosh is {apart / unit:.2f} units away: that is rounding")
assert apart < 8 * unit

# %% [markdown]
# That is what `diagjac.check_gradients` does, for every parameter, with a limit that was calibrated
# on many correct pairs (docs/own-functions.md). It raises an `AssertionError` where they differ, so
# that it is a test.

# %%
functions = {"numpy: dense": by_dense, "numpy: cosh": by_cosh}
print(diagjac.check_gradients(functions, params, batch))

# %% [markdown]
# ## A mistake
#
# The classical one: the loss is a mean over all $BC$ squares, the derivative divides by $B$.


# %%
def by_mistake(params, batch):
    loss, grads = by_elementwise(params, batch)
    return loss, {name: C * grad for name, grad in grads.items()}


try:
    diagjac.check_gradients({"numpy: dense": by_dense, "mine": by_mistake}, params, batch)
except AssertionError as difference:
    print(difference)
else:
    raise SystemExit("a factor of three has to be found")

# %% [markdown]
# Look at the last lines: the losses agree, so the forward pass is right; every gradient is three
# times the other, and three is the length of an axis of `Y`.
#
# ## Another library
#
# In PyTorch and JAX you write the loss alone; `check_gradients` differentiates it. The name says
# which library it is.

# %%
if find_spec("torch"):
    import torch

    def torch_loss(params, batch):
        A = torch.tanh(batch["X"] @ params["W"] + params["b"])
        return torch.nn.functional.mse_loss(A, batch["Y"])

    print(diagjac.check_gradients({"numpy": by_dense, "torch": torch_loss}, params, batch))

# %% [markdown]
# ## Your turn
#
# 1. Multiply one gradient by $1 + 10^{-9}$. Is it found? And with `dtype="float32"`? Why not?
# 2. Round `X` to float32 inside of one function. What does the report say?
# 3. Replace tanh by a softmax of each row. Its Jacobian is not diagonal: which part of `gradient`
#    has to change? (softmax.py has the answer.)
# 4. Put `X = 0` and the absolute value in place of tanh. What is its derivative there, and what can
#    a check say?
