"""An audit's findings: a table for people, JSON for machines."""

from __future__ import annotations

import json

from core.audited import Audited
from core.text import counted
from flows.output.text import Column, Row, print_table, say


def print_audit(audited: Audited) -> None:
    """Print the findings as a table, or one line if there are none."""
    if not audited.findings:
        looked_at = f"{counted(len(audited.seasons), 'season')}, {counted(audited.sessions, 'session')} with results"
        say(f"{looked_at}: no findings")
        return
    columns = (Column("check"), Column("finding"))
    rows = [Row((finding.check, f"{finding.entity_id}: {finding.message}")) for finding in audited.findings]
    print_table(columns, rows)


def print_audit_as_json(audited: Audited) -> None:
    """Print the seasons and their findings as one JSON object."""
    findings = [finding.model_dump(mode="json") for finding in audited.findings]
    print(json.dumps({"seasons": audited.seasons, "findings": findings}, indent=2))
