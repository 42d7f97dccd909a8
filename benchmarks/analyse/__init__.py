"""Intervals, processes joined, scaling: numbers made from stored rows."""
