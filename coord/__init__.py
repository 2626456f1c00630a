"""coord merges the branches of many coding agents into main, one validated step at a time."""

__version__ = "0.1.0"
