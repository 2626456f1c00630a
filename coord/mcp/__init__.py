"""The MCP server that every agent gets: the tools ``worktree`` and ``memory``."""
