"""GitHub's official description of its REST API, cut to what coord uses, and checks against it."""
