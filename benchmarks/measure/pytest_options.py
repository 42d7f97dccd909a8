"""Options and plugins of pytest that would change one side of a ratio, or lose rows: refused.

The cell's own calls go through pytest-benchmark, those timed beside it do not. Whatever
pytest-benchmark or another plugin does to the first alone makes a ratio wrong.
"""

import sys
from typing import Any

CLOCK = "both sides of a ratio need the same clock, time.perf_counter"
ROUNDS = "the rounds are fixed beforehand, docs/timing.md says how many"
BESIDE = "it would apply to one side of a ratio only"
RUNS = "python -m benchmarks compare A.json B.json compares stored runs"
STORED = "the run is stored anyway; --benchmark-json FILE says where"
ONE_PROCESS = "times are taken in one process, and every row once"
OPTIONS = {  # of pytest-benchmark and other plugins, by their names in the configuration
    "benchmark_timer": CLOCK,
    "benchmark_min_time": ROUNDS,
    "benchmark_max_time": ROUNDS,
    "benchmark_min_rounds": ROUNDS,
    "benchmark_precision": ROUNDS,
    "benchmark_confidence": ROUNDS,
    "benchmark_calibration_precision": ROUNDS,
    "benchmark_warmup": BESIDE,
    "benchmark_warmup_iterations": BESIDE,
    "benchmark_disable_gc": "the garbage collector is off anyway, on both sides",
    "benchmark_cprofile": BESIDE,
    "benchmark_save": STORED,
    "benchmark_autosave": STORED,
    "benchmark_save_data": STORED,
    "benchmark_compare": RUNS,
    "benchmark_compare_fail": f"{RUNS}, with --fail-slower",
    "benchmark_histogram": "the report has figures",
    "benchmark_csv": "python -m benchmarks export writes a table",
    "benchmark_verbose": "its table shows the time of a block of calls, not of a call",
    "numprocesses": ONE_PROCESS,
    "reruns": ONE_PROCESS,
    "count": ONE_PROCESS,
    "codspeed": BESIDE,
    "memray": BESIDE,
}
FLAGS = {"numprocesses": "-n"}  # the others are called as in the configuration
HARMLESS = {  # values that change nothing, apart from None, False, "", [] and 0
    "count": 1,
    "benchmark_timer": "time.perf_counter",
    "benchmark_min_time": "0.000005",
    "benchmark_max_time": "1.0",
    "benchmark_min_rounds": 5,
    "benchmark_confidence": 0.99,
    "benchmark_calibration_precision": 10,
    "benchmark_warmup_iterations": 100000,
}


def check(config: Any) -> None:
    """Raise ValueError, with the option and the reason, for what would spoil the times."""
    for name, reason in OPTIONS.items():
        if _is_given(config, name):
            flag = FLAGS.get(name, "--" + name.replace("_", "-"))
            raise ValueError(f"{flag}: not with --benchmark-only: {reason}")
    if getattr(config.option, "timeout_method", None) == "thread":
        raise ValueError(
            "--timeout-method thread: ends the process, and all rows are lost; use signal, or "
            "python -m benchmarks run --timeout SECONDS"
        )
    if found := instrument():
        raise ValueError(
            f"{found} is active: it slows down Python, and pytest-benchmark pauses it on one side "
            "of a ratio only; measure without coverage, debugger or profiler"
        )


def instrument() -> str:
    """What watches the Python code of this process, or ""."""
    if sys.gettrace():
        return "a trace function (coverage, a debugger)"
    if sys.getprofile():
        return "a profile function"
    monitoring: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
    tools = [monitoring.get_tool(number) for number in range(6)] if monitoring else []
    return next((f"the tool {name}" for name in tools if name), "")


def _is_given(config: Any, name: str) -> bool:
    value = getattr(config.option, name, None)
    return bool(value) and value != HARMLESS.get(name)
