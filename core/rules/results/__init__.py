"""A session's results: when to poll, what to believe, points and standings."""
