"""Stories that the shipped workflows play under act, on the GitHub on loopback. Each run costs seconds: tests/ci plays the
details without a runner, and the worlds here are shared by the tests of a module."""
