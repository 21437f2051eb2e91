"""What to accept from live timing's archive of a session. Pure functions."""
