"""What to believe of live timing's archive of a session. Pure functions."""
