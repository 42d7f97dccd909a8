"""Measuring, and showing what was measured; `pytest --benchmark-only` runs the bench_*.py files."""
