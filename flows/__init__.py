"""The flows, a module each, and the commands.

Prefect's telemetry is switched off before Prefect is imported, here and in every process started from here, unless the
environment says otherwise.
"""

import os
import sys
from types import TracebackType

NO_TELEMETRY = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
"""The switches of Prefect's library, which reports to Amplitude from a terminal, and of its server."""

for _name, _value in NO_TELEMETRY.items():
    os.environ.setdefault(_name, _value)


def _end_without_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Make a Ctrl-C while modules are still being imported, for a second or two, one line and status 130."""
    if kind is KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.__excepthook__(kind, error, trace)


if sys.argv[0] == "-m":  # Python is looking for the module of `python -m flows.…`; a program's import changes nothing
    sys.excepthook = _end_without_traceback
