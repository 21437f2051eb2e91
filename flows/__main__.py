"""Commands beside the flows.

python -m flows config            the settings in force and their origins; secrets hidden
python -m flows db upgrade        create or upgrade the tables
python -m flows db check          check whether the tables are up to date
python -m flows results ID        a classification, now or as it was known at a moment
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from core import logs
from core.database import Database, connect
from core.errors import DatabaseError
from core.migrations import HEAD, REVISIONS
from core.settings import Settings
from flows.output.classification import print_classification
from flows.output.tables import print_settings
from flows.output.text import screen, styled
from flows.runtime import command


def show_config() -> None:
    """Print every setting's value and origin, secrets hidden."""
    print_settings(Settings.load(), command.prefect_api())


def upgrade_database() -> None:
    """Create or upgrade the tables."""
    database = connect(Settings.load())
    database.ensure_schema()
    _say(f"{database.name}: schema version {HEAD}")


def check_database() -> None:
    """Check that the tables are those of this version.

    Raises:
        DatabaseError: they are not.
    """
    database = connect(Settings.load())
    version = database.version()
    if version == HEAD:
        _say(f"{database.name}: schema version {version}, up to date")
    elif version is None:
        raise DatabaseError(f"{database.name}: no tables yet: run python -m flows db upgrade")
    elif version in REVISIONS:
        raise DatabaseError(
            f"{database.name}: schema version {version} is behind {HEAD}: run python -m flows db upgrade"
        )
    else:
        raise DatabaseError(f"{database.name}: schema version {version} is newer than this program's {HEAD}")


def _say(line: str) -> None:
    screen(soft_wrap=True).print(styled(line))


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


def main(arguments: list[str]) -> int:
    """The command line; returns the exit status."""
    parser = command.Parser("python -m flows", "Commands beside the flows.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=command.Parser)
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
    results.add_argument("--as-of", type=command.moment, metavar="MOMENT", help="as it was known then")
    given = parser.parse_args(arguments)
    actions: dict[str, Callable[[], None]] = {
        "config": show_config,
        "upgrade": upgrade_database,
        "check": check_database,
        "results": lambda: print_classification(_with_tables(), given.identity, given.as_of, given.session),
    }

    def action() -> None:
        logs.configure(Settings.load())
        actions[given.action if given.command == "db" else given.command]()

    return command.exit_status_of(action)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
