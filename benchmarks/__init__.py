"""Measuring, and showing what was measured; `pytest --benchmark-only` runs the bench_*.py files."""

import benchmarks.store.variables  # noqa: F401  # reads them before any framework sets some
