"""What an operator sees in Prefect's UI beside a run: markdown artifacts of syncs and of accepted results."""

from __future__ import annotations

from prefect.artifacts import create_markdown_artifact
from sqlalchemy import select, text

from core.database import Database
from core.differences import LETTERS
from core.identity import slug
from core.records import ChangeKind
from core.schema import drivers, teams
from core.upsert.results import Polled, read_entries
from core.upsert.schedule import SeasonSummary
from flows import report

SHOWN = 60


def show_season(summary: SeasonSummary) -> None:
    """An artifact of a sync: its summary, what changed, what is held."""
    lines = [f"# {summary.season}", "", report.season_line(summary), ""]
    told = [change for change in summary.changes if change.kind is not ChangeKind.ADDED]
    if told:
        lines += ["| whom | what | before | after |", "|---|---|---|---|"]
        lines += [
            f"| {change.entity_id} | {change.kind.value} | {report.readable(change.before)} "
            f"| {report.readable(change.after)} |"
            for change in told[:SHOWN]
        ]
    lines += [f"- held: {note}" for note in summary.notes]
    create_markdown_artifact("\n".join(lines), key=f"schedule-{summary.season}", description="the last sync")


def show_result(database: Database, polled: Polled) -> None:
    """An artifact of an accepted result: the classification with places gained, what was revised, how fresh it is."""
    prefix = f'"{database.schema}".' if database.schema else ""
    with database.reading() as connection:
        entries = read_entries(connection, polled.session_id)
        names = {row.id: f"{row.given_name} {row.family_name}" for row in connection.execute(select(drivers))}
        team_names = {row.id: row.name for row in connection.execute(select(teams))}
        freshness = connection.execute(
            text(f"SELECT * FROM {prefix}results_freshness WHERE session_id = :id"), {"id": polled.session_id}
        ).first()
    lines = [f"# {polled.session_id}", "", f"Revision {polled.revision}, {polled.outcome.value}.", ""]
    if polled.diff:
        lines += [f"Revised: {polled.diff}", ""]
    lines += ["| | car | driver | team | gained | points |", "|---:|---:|---|---|---:|---:|"]
    for entry in entries:
        place = LETTERS.get(entry.classification or "", entry.classification) or str(entry.position or "–")
        gained = f"{entry.grid - entry.position:+d}" if entry.grid and entry.position else ""
        driver = names.get(entry.driver_id or "", entry.driver_code or "–")
        team = team_names.get(entry.team_id or "", "–")
        points = f"{entry.points:f}" if entry.points else ""
        lines.append(f"| {place} | {entry.car_number} | {driver} | {team} | {gained} | {points} |")
    if freshness is not None and freshness.seconds_to_last_revision is not None:
        minutes = freshness.seconds_to_last_revision / 60
        lines += ["", f"Known {minutes:.0f} minutes after the scheduled end."]
    lines += [f"- {warning}" for warning in polled.warnings]
    key = slug(polled.session_id)
    create_markdown_artifact("\n".join(lines), key=key, description=f"revision {polled.revision}")
