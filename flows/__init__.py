"""The Prefect flows, one a file; each also runs as `python -m flows.<name>`."""
