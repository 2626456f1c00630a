"""The demo: seven agents on a small project in a folder of its own, landed by the real commands."""
