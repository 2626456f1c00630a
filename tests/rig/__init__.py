"""Tests of the GitHub on loopback itself, with workflows of their own."""
