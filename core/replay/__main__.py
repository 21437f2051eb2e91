"""Serve the sample upstream in the foreground.

python -m core.replay --port 8900 --as-of 2024-07-28T12:00:00Z --speed 60
"""

import argparse
import signal
import threading
from datetime import UTC, datetime

from core.replay.server import LOOPBACK, serve
from core.replay.upstream import Upstream


def moment(text: str) -> datetime:
    """An instant in ISO 8601; without an offset it is wrong usage."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text} has no offset from UTC: write 2024-07-28T12:00:00Z")
    return at.astimezone(UTC)


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m core.replay", description="Serve the sample upstream.")
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free one (default: 8900)")
    parser.add_argument("--bind", default=LOOPBACK, help="0.0.0.0 in a container (default: loopback)")
    parser.add_argument("--as-of", type=moment, help="answer as at this moment (default: when all was over)")
    parser.add_argument("--speed", type=float, default=0.0, help="let time run, this many times as fast")
    given = parser.parse_args()
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
        parser.exit(1, f"Cannot serve on {given.bind}:{given.port}: {error.strerror}. Try another --port.\n")


if __name__ == "__main__":
    main()
