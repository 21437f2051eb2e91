"""A session's results: when to poll, which to accept, points and standings."""
