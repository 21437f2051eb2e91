"""Fetching: the only room that imports FastF1. What came back, from which source, or a typed error."""
