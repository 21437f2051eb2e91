"""Serve the sample upstream in the foreground.

python -m core.replay --port 8900 --as-of 2024-07-28T12:00:00Z --speed 60
"""

import signal
import sys
import threading

from core.arguments import Parser, moment
from core.replay.server import LOOPBACK, serve
from core.replay.upstream import Upstream


def main(arguments: list[str]) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    parser = Parser("python -m core.replay", "Serve the sample upstream.")
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free one (default: 8900)")
    parser.add_argument("--bind", default=LOOPBACK, help="0.0.0.0 in a container (default: loopback)")
    parser.add_argument("--as-of", type=moment, help="answer as at this moment (default: when all was over)")
    parser.add_argument("--speed", type=float, default=0.0, help="let time run, this many times as fast")
    given = parser.parse_args(arguments)
    if given.speed and given.as_of is None:
        parser.error("--speed needs --as-of")

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serve(Upstream(given.as_of, given.speed), given.port, given.bind) as url:
            print(url, flush=True)
            stop.wait()
    except OSError as error:
        where = f"{given.bind}:{given.port}"
        print(f"error: cannot serve on {where}: {error.strerror}; try another --port", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
