"""One module per git hook; each judges what git is about to do."""
