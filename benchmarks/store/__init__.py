"""The stored run: its form, its files, its conditions."""
