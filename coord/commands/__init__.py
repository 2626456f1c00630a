"""One module per verb; each is thin."""
