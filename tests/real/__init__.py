"""Real agents with a scripted model on loopback."""
