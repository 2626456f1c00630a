"""Worktrees: made, furnished, shown, and removed without losing what main does not contain."""
