"""The screen of ``coord status``: as plain text, in colours, live, and as JSON."""
