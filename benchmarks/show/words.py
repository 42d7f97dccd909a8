"""What the words of the tables and figures mean, for those who see only them."""

WORDS = {
    "dense": "every local Jacobian of an elementwise map is formed as a B x B matrix and "
    "multiplied",
    "elementwise": "the same chain, each product with a diagonal done on the diagonal",
    "fused": "the same trajectory with any algebra: in the backends as fast as the framework can "
    "be made, in optax and nn as the library does it",
    "autodiff": "the framework's own reverse mode on the loss",
    "jacrev": "the dense chain with Jacobians from the framework's jacrev",
    "eager": "one call into the framework is one operation",
    "step": "one call is a compiled step, driven by a Python loop",
    "block": "one call is a compiled block of steps",
    "run": "one call is the whole compiled run",
    "reference": "the tutorial's NumPy code with every Jacobian written out, the baseline",
    "C": "a plain C loop over the same run, the limit",
    "/ C, / reference, / elementwise": "ratios of times, measured in interleaved rounds, with 95 % "
    "intervals; ~ says that no difference was measured",
    "tolerance used": "the largest share of an allowed difference from the reference that a check "
    "of the row used; a row that used more than all of it would be void",
}
