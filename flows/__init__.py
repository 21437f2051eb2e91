"""The flows, one module per flow, and the commands.

Prefect's telemetry is switched off before Prefect is imported, here and in every process started from here, unless the
environment turns it on.
"""

import gc
import os
import sys
from types import TracebackType

# Prefect, FastF1 and pandas make hundreds of thousands of objects at import that live until the process ends. With
# Python's own threshold the collector walks all of them several times: an eighth of a short run's time.
gc.set_threshold(20_000)

NO_TELEMETRY = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
"""The switches of Prefect's library, which sends telemetry to Amplitude when run in a terminal, and of its server."""

for _name, _value in NO_TELEMETRY.items():
    os.environ.setdefault(_name, _value)


def _end_without_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End with one line and status 130 on Ctrl-C while modules are still being imported, for a second or two."""
    if kind is KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    sys.__excepthook__(kind, error, trace)


if sys.argv[0] == "-m":  # while Python looks for the module of `python -m flows.…`
    sys.excepthook = _end_without_traceback
