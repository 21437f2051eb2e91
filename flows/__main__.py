"""Commands beside the flows; `python -m flows --help` lists them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

from core import logs
from core.arguments import Parser, moment
from core.audited import audit_seasons
from core.database import Database, connect
from core.errors import DatabaseError, Inconsistent
from core.kinds import SessionKind
from core.migrations import HEAD, REVISIONS
from core.settings import Settings
from core.text import counted
from flows.output.audit import print_audit, print_audit_as_json
from flows.output.classification import print_classification
from flows.output.tables import print_settings
from flows.output.text import say
from flows.runtime import clock, command, prefect_api
from flows.webhook_commands import list_webhooks, replay_webhook, send_test_message


def show_config() -> None:
    """Print every setting's value and origin, secrets hidden."""
    print_settings(Settings.load(), prefect_api.url())


def upgrade_database() -> None:
    """Create or upgrade the tables."""
    database = connect(Settings.load())
    database.ensure_schema()
    say(f"{database.name}: schema version {HEAD}")


def check_database() -> None:
    """Check that the tables have this version.

    Raises:
        DatabaseError: they are not.
    """
    say(f"{_up_to_date().name}: schema version {HEAD}, up to date")


def audit(seasons: Sequence[int], now: datetime | None, *, as_json: bool) -> None:
    """Check seasons, or all there are, against themselves, and print the findings; the database is only read.

    Raises:
        UsageError: the database has nothing of a season.
        DatabaseError: its tables have another version.
        Inconsistent: there are findings.
    """
    audited = audit_seasons(_up_to_date(), seasons, clock.reconciled(now))
    if as_json:
        print_audit_as_json(audited)
    else:
        print_audit(audited)
    if findings := audited.findings:
        wrong, looked_at = {finding.season for finding in findings}, counted(len(audited.seasons), "season")
        raise Inconsistent(f"{counted(len(findings), 'finding')} in {len(wrong)} of {looked_at}")


def write_calendar(season: int, kinds: Collection[SessionKind], file: Path) -> None:
    """Write a season's sessions as an iCalendar file.

    Raises:
        UsageError: nothing is known of the season.
        F1FlowsError: the file cannot be written.
        DatabaseError: the database cannot be read.
    """
    from flows.output import calendar_file  # only this command needs the library

    say(calendar_file.write_calendar(_with_tables(), season, kinds, file))


def show_dictionary(*, for_dbt: bool) -> None:
    """Print the data dictionary as markdown, or as sources for dbt."""
    from flows.output import dictionary  # it imports Alembic, which takes a while

    print(dictionary.dbt_sources() if for_dbt else dictionary.markdown(), end="")


def write_report(season: int, file: Path, now: datetime | None) -> None:
    """Write a season's page; the database is only read.

    Raises:
        UsageError: the database has nothing of the season.
        F1FlowsError: the file cannot be written.
        DatabaseError: the database's tables have another version.
    """
    from flows.output.page.render import write_page  # only this command needs a template engine

    say(write_page(_up_to_date(), season, file, clock.reconciled(now)))


def _up_to_date() -> Database:
    """The database, whose tables must have this version; it is neither written to nor created.

    Raises:
        DatabaseError: they have another version.
    """
    database = connect(Settings.load())
    version = database.version()
    if version == HEAD:
        return database
    if version is None:
        raise DatabaseError(f"{database.name}: no tables yet: run python -m flows db upgrade")
    if version in REVISIONS:
        raise DatabaseError(
            f"{database.name}: schema version {version} is behind {HEAD}: run python -m flows db upgrade"
        )
    raise DatabaseError(f"{database.name}: schema version {version} is newer than this program's {HEAD}")


def _with_tables() -> Database:
    """The database, with its tables upgraded to this version; a database without tables is not created.

    Raises:
        DatabaseError: there is nothing to read.
    """
    database = connect(Settings.load())
    if database.version() is None:
        raise DatabaseError(f"{database.name}: no tables yet: run python -m flows.sync_schedule first")
    database.ensure_schema()
    return database


def add_webhooks(parser: Parser) -> None:
    """Add the webhook commands; without a subcommand webhooks are listed."""
    actions = parser.add_subparsers(dest="action")
    actions.add_parser("list", help="each webhook's lag and last error")
    test = actions.add_parser("test", help="send a test message; if received, it resumes a paused webhook")
    replay = actions.add_parser("replay", help="send the feed again, from a change on")
    for one in (test, replay):
        one.add_argument("name", metavar="NAME", help="the webhook's name; that of F1_WEBHOOK_URL is default")
    replay.add_argument(
        "--from", dest="first", type=int, required=True, metavar="ID", help="the first change that is sent again"
    )


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = Parser("python -m flows", "Commands beside the flows.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("config", help="the settings in force, secrets hidden")
    databases = commands.add_parser("db", help="the database's tables").add_subparsers(dest="action", required=True)
    databases.add_parser("upgrade", help="create or upgrade the tables")
    databases.add_parser("check", help="check whether they are up to date")
    results = commands.add_parser("results", help="a session's classification, now or as it was known")
    results.add_argument(
        "identity",
        metavar="ID",
        help="a session's, such as 2023-austrian-grand-prix/race, or an event's",
    )
    results.add_argument(
        "--session", type=command.session_kind, metavar="KIND", help="one of the event's, such as race"
    )
    results.add_argument("--as-of", type=moment, metavar="MOMENT", help="as known at this moment")
    audits = commands.add_parser("audit", help="check the database against itself; it is only read")
    audits.add_argument("seasons", nargs="*", type=command.season, metavar="SEASON", help="such as 1997; default: all")
    audits.add_argument("--json", action="store_true", help="the findings as JSON")
    audits.add_argument("--now", type=moment, metavar="MOMENT", help="audit as of this moment, with offset")
    calendar = commands.add_parser("calendar", help="a season's sessions as an iCalendar file")
    calendar.add_argument("season", type=command.season, metavar="SEASON", help="such as 2026")
    calendar.add_argument(
        "--kinds",
        type=command.session_kinds,
        default=tuple(SessionKind),
        metavar="KINDS",
        help="such as race,qualifying; default: all",
    )
    calendar.add_argument("--output", type=Path, required=True, metavar="FILE", help="such as f1.ics; it is replaced")
    dictionary = commands.add_parser("dictionary", help="every table, view and column, with its meaning")
    dictionary.add_argument("--dbt", action="store_true", help="as sources.yml for dbt; default: markdown")
    reports = commands.add_parser("report", help="a season as one self-contained page for a browser")
    reports.add_argument("season", type=command.season, metavar="SEASON", help="such as 2024")
    reports.add_argument("--output", type=Path, required=True, metavar="FILE", help="such as report.html; replaced")
    reports.add_argument("--now", type=moment, metavar="MOMENT", help="run as if it were this moment")
    add_webhooks(commands.add_parser("webhooks", help="list webhooks, test or replay one"))
    given = parser.parse_args(arguments)
    actions: dict[str, Callable[[], None]] = {
        "config": show_config,
        "upgrade": upgrade_database,
        "check": check_database,
        "audit": lambda: audit(given.seasons, given.now, as_json=given.json),
        "calendar": lambda: write_calendar(given.season, given.kinds, given.output),
        "dictionary": lambda: show_dictionary(for_dbt=given.dbt),
        "report": lambda: write_report(given.season, given.output, given.now),
        "webhooks": lambda: list_webhooks(_with_tables()),
        "list": lambda: list_webhooks(_with_tables()),
        "test": lambda: send_test_message(_with_tables(), given.name),
        "replay": lambda: replay_webhook(_with_tables(), given.name, given.first),
        "results": lambda: print_classification(_with_tables(), given.identity, given.as_of, given.session),
    }

    def action() -> None:
        logs.configure(Settings.load())
        actions[getattr(given, "action", None) or given.command]()

    return command.exit_status_of(action)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
