"""Deliver changes to webhooks: what runs that changed something could not deliver, and what is to be sent again.

    python -m flows.deliver_changes [--now MOMENT]

Every flow that changes something delivers it at its end; this one makes up for what failed.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timedelta

from prefect import flow

from core.deliver.delivering import Delivered
from core.logs import PRINTED
from flows import webhooks
from flows.output.webhooks import print_delivered
from flows.runtime import command
from flows.runtime.run import Run

logger = logging.getLogger("flows.deliver_changes")

PATIENCE = timedelta(minutes=3)
"""How long a run sends, and waits for retries: the next one comes after five minutes."""


@flow(name="deliver-changes", flow_run_name="deliver-changes")
def deliver_changes(now: datetime | None = None) -> list[Delivered]:
    """Send every webhook the changes that it has not received, as far as a new attempt is due.

    Args:
        now: the moment to reconcile with, instead of the clock's.
    """
    run = Run.begin(now)
    delivered = webhooks.deliver(run, PATIENCE)
    if not delivered:
        logger.info("no webhook is set", extra={**run.account, PRINTED: True})
    return delivered


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.deliver_changes", "Deliver changes to webhooks.")
    return command.run(deliver_changes, vars(parser.parse_args(arguments)), print_delivered)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
