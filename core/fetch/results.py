"""Results and standings from Jolpica, by round or whole tables by page, and live timing through FastF1."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import fastf1._api
import fastf1.core
import fastf1.events
import pandas as pd
from fastf1.ergast import Ergast
from fastf1.exceptions import DataNotLoadedError, ErgastError, FastF1CriticalError

from core.deadline import Deadline
from core.errors import SourceEmpty, SourceError, SourceMalformed, SourceUnreachable, TableTooLong, reading_answer
from core.fetch.kept import keeping_files
from core.fetch.session import Permit, asking
from core.records import SessionKind, Source

PAGE = 100
MOST_ROWS_OF_A_SEASON = 1_000
"""No season's table has so many rows; the longest so far is 1989's races with 624."""

MOST_ROWS_OF_STANDINGS = 200
"""No championship's table has so many; the longest so far is 1953's drivers with 108."""

ROWS = {
    SessionKind.RACE: "Results",
    SessionKind.SPRINT: "SprintResults",
    SessionKind.QUALIFYING: "QualifyingResults",
}
"""The sessions whose results Jolpica has, each with its documents' name for the rows."""

Document = dict[str, Any]


def fetch_races_with_results(
    season: int, kind: SessionKind, round_number: int | None, deadline: Deadline, permit: Permit | None
) -> list[Document]:
    """Jolpica's race documents with their result rows: of one round, or of a whole season by pages of 100 rows.

    An empty list means that nothing is published yet.

    Raises:
        SourceError: any fault, typed; fewer rows than the table's own total among them.
    """
    ergast = Ergast(result_type="raw", auto_cast=False, limit=PAGE)
    ask: dict[SessionKind, Callable[..., Any]] = {
        SessionKind.RACE: ergast.get_race_results,
        SessionKind.SPRINT: ergast.get_sprint_results,
        SessionKind.QUALIFYING: ergast.get_qualifying_results,
    }
    rows = ROWS[kind]
    most = MOST_ROWS_OF_A_SEASON if round_number is None else PAGE
    by_round: dict[str, Document] = {}
    offset, found, total = 0, 0, 1
    with (
        asking(Source.JOLPICA, deadline, permit),
        reading_answer(Source.JOLPICA.value, f"an answer that holds no {kind.value} results"),
    ):
        while offset < total:
            page = ask[kind](season=season, round=round_number, limit=PAGE, offset=offset)
            total = _total(page, most)
            for race in page:
                known = by_round.setdefault(race["round"], {**race, rows: []})
                known[rows].extend(race[rows])
                found += len(race[rows])
            offset += PAGE
    if found != total:
        raise SourceMalformed(Source.JOLPICA.value, f"{found} of {total} rows")
    return list(by_round.values())


def fetch_standings(
    season: int, round_number: int, competitor: str, deadline: Deadline, permit: Permit | None
) -> list[Document]:
    """Jolpica's standings rows after a round, `competitor` being "driver" or "team"; empty when not published.

    Raises:
        SourceError: any fault, typed; fewer rows than the table's own total, or another round's, among them.
    """
    ergast = Ergast(result_type="raw", auto_cast=False, limit=PAGE)
    ask = ergast.get_driver_standings if competitor == "driver" else ergast.get_constructor_standings
    rows = "DriverStandings" if competitor == "driver" else "ConstructorStandings"
    found: list[Document] = []
    offset, total = 0, 1
    with (
        asking(Source.JOLPICA, deadline, permit),
        reading_answer(Source.JOLPICA.value, "an answer that holds no standings"),
    ):
        while offset < total:
            page = ask(season=season, round=round_number, limit=PAGE, offset=offset)
            total = _total(page, MOST_ROWS_OF_STANDINGS)
            for table in page:
                if (table["season"], table["round"]) != (str(season), str(round_number)):
                    raise SourceMalformed(Source.JOLPICA.value, "standings after another round")
                found += [dict(row) for row in table[rows]]
            offset += PAGE
    if len(found) != total:
        raise SourceMalformed(Source.JOLPICA.value, f"{len(found)} of {total} rows")
    return found


def _total(page: Any, most: int) -> int:
    """How many rows a table has, by an answer of it.

    Raises:
        TableTooLong: more than can be.
    """
    total = int(page.total_results)
    if total > most:
        raise TableTooLong(Source.JOLPICA.value, f"a table of {total} rows, where at most {most} can be")
    return total


@dataclass(frozen=True)
class TimedSession:
    """A session as live timing's archive files it."""

    season: int
    round: int | None
    event_name: str
    last_date: date
    name: str
    wall_time: datetime
    starts_at: datetime


@dataclass(frozen=True)
class Timing:
    """What FastF1 made of live timing: its results frame and its laps frame, with FastF1's columns."""

    results: pd.DataFrame
    laps: pd.DataFrame


class _NotAsked:
    """Stands in for FastF1's Ergast while a session loads: Jolpica was just asked, and had nothing."""

    def __getattr__(self, name: str) -> Any:
        raise ErgastError("not asked again")


def fetch_timing(session: TimedSession, deadline: Deadline, *, settled: bool = False) -> Timing:
    """A session's classification by live timing, as FastF1 works it out from laps and race control's messages.

    Args:
        settled: its files no longer change: they are read from FastF1's cache, and kept there once they were read well.

    Raises:
        SourceEmpty: live timing has nothing yet.
        SourceError: any other fault, typed.
    """
    event = fastf1.events.Event(
        {
            "EventName": session.event_name,
            "EventDate": pd.Timestamp(session.last_date),
            "RoundNumber": session.round or 0,
            "EventFormat": "conventional",
            "Session1": session.name,
            "Session1Date": pd.Timestamp(session.wall_time),
            "Session1DateUtc": pd.Timestamp(session.starts_at).tz_localize(None),
            **{f"Session{slot}": None for slot in range(2, 6)},
        },
        year=session.season,
    )
    with asking(Source.LIVETIMING, deadline) as call, keeping_files() if settled else nullcontext():
        loaded = fastf1.core.Session(event, session.name, f1_api_support=True)
        loaded._ergast = _NotAsked()
        try:
            # One small file tells whether there is anything: FastF1 would ask for ten, on two hosts each.
            there = fastf1._api.fetch_page(loaded.api_path, "session_info") is not None
            if not there:
                if all(status in (403, 404) for status in call.statuses):
                    raise SourceEmpty(Source.LIVETIMING.value, "not there yet")
                raise SourceUnreachable(Source.LIVETIMING.value, f"server error {call.statuses[-1]}")
            loaded.load(laps=True, telemetry=False, weather=False, messages=True)
            results, laps = pd.DataFrame(loaded.results), pd.DataFrame(loaded.laps)
        except (FastF1CriticalError, SourceError):
            raise
        except DataNotLoadedError:
            raise SourceEmpty(Source.LIVETIMING.value, "not there yet") from None
        except Exception as error:
            # FastF1's parsers raise whatever half a feed makes them: it is the feed that is not what it should be.
            if any(status in (403, 404) for status in call.statuses):
                raise SourceEmpty(Source.LIVETIMING.value, "not there yet") from error
            raise SourceMalformed(Source.LIVETIMING.value, "feeds that FastF1 cannot read") from error
        if results.empty or results["Position"].isna().all():
            raise SourceEmpty(Source.LIVETIMING.value, "not there yet")
        if laps.empty or laps["LapTime"].isna().all():
            # FastF1 then numbers the driver list: an order that nobody drove.
            raise SourceMalformed(Source.LIVETIMING.value, "a classification without laps")
    return Timing(results, laps)
