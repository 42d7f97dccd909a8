"""The words that problems and backends share, and their check. Imports no NumPy."""

MODELS = ("linear", "logistic", "poisson")
FIRST = "logistic"  # the model that is shown where there is room for one
DTYPES = ("float64", "float32")


def check_name(what: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise ValueError, naming what is allowed, unless value is one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"unknown {what} {value!r}; one of: {', '.join(allowed)}")
