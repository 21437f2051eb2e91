"""A Prefect server that ends with the process that started it, also after SIGKILL.

    python -m flows.prefect_server PORT

Standard input is a pipe from that process alone, which the system closes when the process ends.
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


def main(arguments: list[str]) -> None:
    """Run the server until it, or the process that started it, ends."""
    parser = Parser(prog="python -m flows.prefect_server", description="A Prefect server that ends with its parent.")
    parser.add_argument("port", type=int, metavar="PORT", help="on loopback")
    port = parser.parse_args(arguments).port
    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    sys.argv = ["prefect", "server", "start", "--host", LOOPBACK, "--port", str(port)]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
