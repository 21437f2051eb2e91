"""How a run executes its steps: settings, clock, retries, limit, logs, command line."""
