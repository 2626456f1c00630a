"""Forges: what a repository's host knows beside git (pull requests, comments, statuses, runs), one file each."""
