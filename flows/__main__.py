"""Commands beside the flows.

python -m flows config            what is in force, and where it comes from; secrets hidden
python -m flows db upgrade        create or upgrade the tables
python -m flows db check          say whether they are up to date
python -m flows results ID        a session's classification, now or as it was believed
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from core import logs
from core.database import Database, connect
from core.errors import DatabaseError
from core.migrations import HEAD, REVISIONS
from core.settings import Settings
from flows import command
from flows.classification import print_classification

WIDE = 240
"""Columns of a table that no terminal bounds: nothing in it is broken."""


def show_config() -> None:
    """Print every setting's value and origin, secrets hidden."""
    settings = Settings.load()
    origins = Settings.origins()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("setting", "value", "from", "what it is"):
        table.add_column(title, overflow="fold")
    for name, value in settings.shown().items():
        description = Settings.model_fields[name].description or ""
        table.add_row(name.upper(), value, origins[name], description)
    table.add_row("PREFECT_API_URL", command.prefect_api() or "", "Prefect", "unset: flows run directly")
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


def upgrade_database() -> None:
    """Create or upgrade the tables."""
    database = connect(Settings.load())
    database.ensure_schema()
    print(f"{database.name}: schema version {HEAD}")


def check_database() -> None:
    """Say whether the tables are those of this version.

    Raises:
        DatabaseError: they are not.
    """
    database = connect(Settings.load())
    version = database.version()
    if version == HEAD:
        print(f"{database.name}: schema version {version}, up to date")
    elif version is None:
        raise DatabaseError(f"{database.name}: no tables yet: run python -m flows db upgrade")
    elif version in REVISIONS:
        raise DatabaseError(
            f"{database.name}: schema version {version} is behind {HEAD}: run python -m flows db upgrade"
        )
    else:
        raise DatabaseError(f"{database.name}: schema version {version} is newer than this program's {HEAD}")


def _ready() -> Database:
    database = connect(Settings.load())
    database.ensure_schema()
    return database


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.Parser(prog="python -m flows", description="Commands beside the flows.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=command.Parser)
    commands.add_parser("config", help="what is in force, secrets hidden")
    databases = commands.add_parser("db", help="the database's tables").add_subparsers(dest="action", required=True)
    databases.add_parser("upgrade", help="create or upgrade the tables")
    databases.add_parser("check", help="say whether they are up to date")
    results = commands.add_parser("results", help="a session's classification, now or as it was believed")
    results.add_argument("session", metavar="ID", help="such as 2023-austrian-grand-prix/race")
    results.add_argument("--as-of", type=command.moment, metavar="MOMENT", help="what was believed then")
    given = parser.parse_args(arguments)
    actions: dict[str, Callable[[], None]] = {
        "config": show_config,
        "upgrade": upgrade_database,
        "check": check_database,
        "results": lambda: print_classification(_ready(), given.session, given.as_of),
    }

    def action() -> None:
        logs.configure(Settings.load())
        actions[given.action if given.command == "db" else given.command]()

    return command.told(action)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
