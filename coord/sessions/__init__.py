"""Sessions: running agents, each with a folder of its own below the git directory and a host that watches over it."""
