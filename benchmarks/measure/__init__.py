"""Interleaved rounds, what is timed in them, and under which circumstances."""
