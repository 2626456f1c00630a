"""What lies behind the remote: a forge with pull requests, or plain git."""
