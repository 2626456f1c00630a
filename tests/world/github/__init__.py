"""GitHub on loopback: a fake of its REST API, git over HTTP, and a hub that runs workflows."""
