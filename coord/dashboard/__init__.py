"""The dashboard: one page that shows how a repository stands, as a file or live on loopback."""
