"""What to believe and what follows: pure functions over records and a given `now`."""
