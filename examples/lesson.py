# %% [markdown]
# # What does a diagonal Jacobian cost?
#
# A lesson of ten minutes, with NumPy alone. It derives the gradient of logistic regression with
# every Jacobian written out, sees that two of them are diagonal, and asks what it costs to form
# these as matrices. Open it as a notebook (`jupytext --to ipynb lesson.py`, or in an editor
# that knows `# %%` cells), or run it: `python examples/lesson.py`.

# %%
from time import perf_counter

import numpy as np

B = 256  # examples in a batch: change it, and run the lesson again
F = 3  # features
stream = np.random.default_rng(0)
X, Y = stream.uniform(0, 1, (B, F)), stream.integers(0, 2, (B, 1)).astype(float)
W, b = stream.uniform(-1, 1, (F, 1)), stream.uniform(-1, 1, (1, 1))

# %% [markdown]
# ## Forward
#
# $Z = XW + b$, $Pred = 1 / (1 + e^{-Z})$, and for each example the cross-entropy $J_0 = -(Y
# \log Pred + (1 - Y) \log(1 - Pred))$. The loss $J$ is its mean.


# %%
def forward(W, b):  # -> Pred (B,1), J0 (B,1)
    Pred = 1 / (1 + np.exp(-(X @ W + b)))
    return Pred, -(Y * np.log(Pred) + (1 - Y) * np.log(1 - Pred))


Pred, J0 = forward(W, b)
print(f"the loss is {J0.mean():.4f}")

# %% [markdown]
# ## Backward, with every Jacobian
#
# The chain rule multiplies Jacobians: $dJ/dW = dJ/dJ_0 \cdot dJ_0/dPred \cdot dPred/dZ \cdot
# dZ/dW$. The shapes are $(1,B)$, $(B,B)$, $(B,B)$, $(B,F)$. Example $i$ of $J_0$ depends on
# example $i$ of $Pred$ alone, so $dJ_0/dPred$ has zeros everywhere but on its diagonal; so has
# $dPred/dZ$.

# %%
dJ_dJ0 = np.full((1, B), 1 / B)
diagonal_1 = ((Pred - Y) / (Pred * (1 - Pred))).ravel()  # of dJ0_dPred
diagonal_2 = (Pred * (1 - Pred)).ravel()  # of dPred_dZ


def dense(row, diagonal):  # (1,B), (B,) -> (1,B): forms B * B numbers
    return row @ np.diag(diagonal)


def elementwise(row, diagonal):  # (1,B), (B,) -> (1,B): forms B numbers
    return row * diagonal


def gradient(pullback):  # -> dW (F,1)
    row = pullback(pullback(dJ_dJ0, diagonal_1), diagonal_2)
    return (row @ X).T


# %% [markdown]
# ## Is it the gradient?
#
# A small step in one parameter changes the loss by the step times the derivative.

# %%
h = 1e-6
for f in range(F):
    step = np.zeros_like(W)
    step[f] = h
    slope = (forward(W + step, b)[1].mean() - forward(W - step, b)[1].mean()) / (2 * h)
    print(f"dJ/dW[{f}] = {gradient(dense)[f, 0]:+.8f}, by differences {slope:+.8f}")
    assert abs(slope - gradient(dense)[f, 0]) < 1e-8  # h^2, and the rounding of J over h

# %% [markdown]
# ## Both forms compute the same
#
# In the product of a row with a diagonal matrix every entry is one product and $B - 1$ zeros.
# Adding zeros changes no bit, so the two forms agree exactly.

# %%
assert np.array_equal(gradient(dense), gradient(elementwise))
print("dense and elementwise agree to the last bit")

# %% [markdown]
# ## What does it cost?
#
# Memory: $8 B^2$ bytes for each matrix instead of $8 B$. Time: at least as long as it takes to
# write and read them. Let us look. The smallest of many times is taken, since whatever else the
# computer does can only make a call longer.


# %%
def seconds(pullback):
    times = []
    for _ in range(30):
        start = perf_counter()
        gradient(pullback)
        times.append(perf_counter() - start)
    return min(times)


print(f"B = {B}: a matrix takes {8 * B * B / 2**20:.2f} MiB, a diagonal {8 * B / 2**10:.2f} KiB")
print(f"dense takes {seconds(dense) / seconds(elementwise):.1f} times as long as elementwise")

# %% [markdown]
# ## Your turn
#
# 1. Set `B` to 32, 1024 and 4096. How does the ratio grow, and where does it begin to matter?
#    Why so late? (A call of NumPy takes about a microsecond, however small its arrays are.)
# 2. At which `B` does a matrix no longer fit the caches of your processor? Is there a step?
# 3. $(Pred - Y) / (Pred (1 - Pred)) \cdot Pred (1 - Pred)$ is $Pred - Y$. How much faster is a
#    gradient that uses it, and what else does it gain when `Pred` comes near 0 or 1?
#
# One `min` of 30 times is enough for a lesson. To compare frameworks, and to publish numbers,
# more has to be right: fresh inputs in every call, interleaved rounds, several processes,
# intervals, and a proof that all of them computed the same. That is what the rest of this
# project is for: `make bench`.
