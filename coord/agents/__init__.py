"""Agent adapters: one module for each way to speak to an agent; they do not know each other."""
