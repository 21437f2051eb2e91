"""The parts of a poll: Jolpica's results, live timing's, the standings, and what becomes of each session."""
