"""The life of a cell as text. Use benchmarks/text.py (name, duration) here, not tables.py."""


def tables(run):
    return []
