"""Interleaved rounds, the calls that are timed in them, and their environment."""
