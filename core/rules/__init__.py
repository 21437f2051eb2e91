"""What is accepted from upstream, and what follows from it: pure functions over records and a given `now`."""
