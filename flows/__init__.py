"""The flows, one a file, and the commands around them.

Prefect's telemetry is off here, before Prefect is imported and for every process that is started from here, unless the
environment says otherwise.
"""

import os

NO_TELEMETRY = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
"""That of Prefect's library, which writes to Amplitude from a terminal, and that of its server."""

for _name, _value in NO_TELEMETRY.items():
    os.environ.setdefault(_name, _value)
