"""Deliver changes to webhooks: retry failed messages, and send changes that other flows could not deliver.

    python -m flows.deliver_changes [--now MOMENT]

Every flow that changes something also delivers when it ends.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime

from prefect import flow

from core.deliver.delivering import MAX_WAIT, Delivered
from core.logs import PRINTED
from flows import webhooks
from flows.output.webhooks import print_delivered
from flows.runtime import command
from flows.runtime.run import Run

logger = logging.getLogger("flows.deliver_changes")


@flow(name="deliver-changes", flow_run_name="deliver-changes")
def deliver_changes(now: datetime | None = None) -> list[Delivered]:
    """Send every webhook the changes that it has not received, if an attempt is due.

    Args:
        now: the moment to run at, instead of the clock's.
    """
    run = Run.begin(now)
    delivered = webhooks.deliver(run, MAX_WAIT)
    if not delivered:
        logger.info("no webhook is set", extra={**run.account, PRINTED: True})
    return delivered


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.parser("flows.deliver_changes", "Deliver changes to webhooks.")
    return command.run(deliver_changes, vars(parser.parse_args(arguments)), print_delivered)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
