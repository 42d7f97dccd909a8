"""The words and parameters that reference and backends share. Imports no NumPy."""

MODELS = ("linear", "logistic", "poisson")
FIRST = "logistic"  # the model that is shown where there is room for one
DTYPES = ("float64", "float32")
TARGET, DELTA, BOUNDS = 1.0, 1.0, (-1.0, 1.0)  # of squared_error and huber; of huber; of clip
MAPS = (
    "square", "reciprocal", "sqrt", "exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "atan",
    "erf", "sigmoid", "log_sigmoid", "softplus", "softplus_threshold", "relu", "relu6",
    "leaky_relu", "elu", "celu", "selu", "gelu_erf", "gelu_tanh", "silu", "mish", "hard_tanh",
    "hard_sigmoid", "hard_sigmoid_keras", "hard_swish", "softsign", "abs", "clip", "maximum_zero",
    "sinc", "log_cosh", "xlogx", "squared_error", "cross_entropy_0", "cross_entropy_1",
    "logit_cross_entropy_0", "logit_cross_entropy_1", "hinge", "huber",
)  # fmt: skip


def check_name(what: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ValueError, naming what is allowed, unless value is one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"unknown {what} {value!r}; one of: {', '.join(allowed)}")
