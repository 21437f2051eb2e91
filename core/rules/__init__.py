"""What to accept from upstream, and what follows from it: pure functions of records and a given `now`."""
