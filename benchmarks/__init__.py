"""What is measured, and how it is shown: `pytest --benchmark-only` runs the bench_*.py files."""
