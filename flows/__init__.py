"""The flows, a module each, and the commands.

Prefect's telemetry is switched off before Prefect is imported, here and in every process started from here, unless the
environment says otherwise.
"""

import os

NO_TELEMETRY = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
"""The switches of Prefect's library, which reports to Amplitude from a terminal, and of its server."""

for _name, _value in NO_TELEMETRY.items():
    os.environ.setdefault(_name, _value)
