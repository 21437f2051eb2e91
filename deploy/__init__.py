"""Deploys the flows to a work pool. Importing `flows` turns off Prefect's telemetry."""

import flows  # noqa: F401
