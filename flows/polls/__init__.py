"""The parts of `poll_results`: Jolpica's results, live timing's, standings, hot polls, and each session's outcome."""
