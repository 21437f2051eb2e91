"""A Prefect server that ends with the process that started it, even if that is killed.

    python -m flows.prefect_server PORT

Standard input is a pipe that only the parent holds open, so the system closes it even after SIGKILL. With one worker,
uvicorn and Prefect start no other processes.
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
    """Wait for the end of standard input, then end this process, by force if it takes too long."""
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
