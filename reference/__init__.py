"""The reference: the problems, the textbook that solves them, and the numerical policy."""
