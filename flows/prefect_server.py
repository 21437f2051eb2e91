"""A Prefect server that ends with the process that started it, however that ends.

    python -m flows.prefect_server PORT

Standard input is a pipe whose other end that process alone holds, so that the system closes it also after SIGKILL.
The server is one process: with one worker, uvicorn and Prefect start no others.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

from core.arguments import Parser

LOOPBACK = "127.0.0.1"
STOP_SECONDS = 3.0
"""How long the server may take to end."""


def end_with_parent() -> None:
    """Wait for the end of standard input, then end this process, by force where it does not end in time."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    parser = Parser("python -m flows.prefect_server", "A Prefect server that ends with its standard input.")
    parser.add_argument("port", type=int)
    port = parser.parse_args().port
    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    sys.argv = ["prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)
