"""How a run takes its steps: settings, clock, retries, limit, logs, command line."""
