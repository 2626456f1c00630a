"""What docs/generate.py writes, one module for each source; nothing here writes a file."""
