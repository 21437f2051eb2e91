"""What deploys the flows to a work pool; without Prefect's telemetry, as the flows are."""

import flows  # noqa: F401
