"""A stored run as figures: the two training runs, and the gradients over the batch size."""

from pathlib import Path
from typing import Any

import matplotlib

from benchmarks.tables import rows_of

matplotlib.use("svg")
from matplotlib import pyplot as plt

# A backend keeps its color and marker everywhere: Okabe and Ito's colors, told apart by all.
STYLES = {
    "reference": ("#000000", "o"),
    "numpy": ("#0072B2", "s"),
    "numba": ("#009E73", "^"),
    "jax": ("#D55E00", "D"),
    "torch": ("#CC79A7", "v"),
}
OTHER = ("#56B4E9", "P")


def draw(run: dict[str, Any], folder: Path, stem: str) -> list[Path]:
    """Write every figure that the run has data for, as SVG, and return the paths."""
    paths = []
    for trajectory in run["trajectories"]:
        words = f"{trajectory['model']}_{trajectory['dtype']}"
        paths.append(_save(_training(trajectory), folder / f"{stem}_training_{words}.svg"))
    if any("B" in row for row in rows_of(run)):
        paths.append(_save(_sizes(run), folder / f"{stem}_gradient.svg"))
    return paths


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path


def _training(run: dict[str, Any]) -> Any:
    """The loss; below it the parameters with the true values dotted, or the accuracy."""
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(8, 6), sharex=True, layout="constrained", height_ratios=(2, 3)
    )
    top.plot(run["loss"], color="#0072B2", linewidth=0.8)
    top.set_ylabel("loss J of the batch")
    top.set_title(f"The tutorial's {run['model']} regression, {len(run['loss'])} steps")
    if "parameters" in run:
        _parameters(bottom, run["parameters"], run["true"])
    else:
        bottom.plot(run["accuracy"], color="#0072B2", linewidth=0.8)
        bottom.set_ylabel("accuracy on the batch")
    bottom.set_xlabel("step")
    return figure


def _parameters(axes: Any, tracks: list[list[float]], true: list[float]) -> None:
    """Each parameter over the steps; the last one is b."""
    names = [f"W[{i}]" for i in range(len(tracks) - 1)] + ["b"]
    for i, (label, track, value) in enumerate(zip(names, tracks, true, strict=True)):
        color = "black" if label == "b" else f"C{i}"
        axes.plot(track, color=color, label=label)
        axes.axhline(value, color=color, linestyle=":", linewidth=1)
    axes.set_ylabel("parameters (dotted: true values)")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)


def _sizes(run: dict[str, Any]) -> Any:
    """Seconds of one gradient over B: dense drawn through, elementwise dashed; a panel a model."""
    rows = [row for row in rows_of(run) if "B" in row and not row["conditions"]]
    models = list(dict.fromkeys(row["model"] for row in rows))
    figure, panels = plt.subplots(
        1, len(models), figsize=(5 * len(models), 5), sharey=True, layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, model in zip(panels[0], models, strict=True):
        for formulation, line in (("dense", "-"), ("elementwise", "--")):
            _curves(axes, rows, model, formulation, line)
        axes.set(xscale="log", yscale="log", title=f"{model} regression", xlabel="batch size B")
        sizes = sorted({row["B"] for row in rows})
        axes.set_xticks(sizes, labels=[str(B) for B in sizes])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    panels[0][0].set_ylabel("seconds of one gradient")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    return figure


def _curves(axes: Any, rows: list[dict[str, Any]], model: str, formulation: str, line: str) -> None:
    """One curve a backend and execution; compiled executions have an open marker."""
    chosen = [r for r in rows if r["model"] == model and r["formulation"] == formulation]
    for key in dict.fromkeys((r["backend"], r["execution"]) for r in chosen):
        own = sorted(
            (r for r in chosen if (r["backend"], r["execution"]) == key), key=lambda r: r["B"]
        )
        color, marker = STYLES.get(key[0], OTHER)
        axes.plot(
            [r["B"] for r in own], [r["seconds"] for r in own], line, color=color, marker=marker,
            markerfacecolor=color if key[1] == "eager" else "white",
            label=f"{key[0]} {key[1]} {formulation}",
        )  # fmt: skip
