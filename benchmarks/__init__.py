"""Measurements: each module has ``measure()`` and prints a table when it is run."""
