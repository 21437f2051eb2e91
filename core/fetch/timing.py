"""A session's classification from live timing, as FastF1 derives it."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import fastf1.core
import fastf1.events
import pandas as pd
from fastf1.exceptions import DataNotLoadedError, FastF1CriticalError

from core.documents import TimingDocument
from core.errors import SourceEmpty, SourceError, SourceMalformed, SourceUnreachable
from core.fetch import fastf1_internals
from core.fetch.access import Access
from core.fetch.frames import rows_of
from core.fetch.kept import keeping_files
from core.fetch.session import Call, asking
from core.records import Event, Session, Source

RESULT_COLUMNS = ("DriverNumber", "Abbreviation", "Position", "Q1", "Q2", "Q3")
LAP_COLUMNS = ("DriverNumber", "LapNumber", "LapTime", "Time", "Deleted", "FastF1Generated")


@dataclass(frozen=True)
class TimedSession:
    """A session as live timing's archive names it: by name, date and start."""

    season: int
    round: int | None
    event_name: str
    last_date: date
    name: str
    wall_time: datetime
    starts_at: datetime

    @classmethod
    def of(cls, event: Event, session: Session) -> TimedSession | None:
        """A session of an event; None if its time is not known."""
        if session.starts_at is None or session.utc_offset_minutes is None:
            return None
        wall_time = session.starts_at.replace(tzinfo=None) + timedelta(minutes=session.utc_offset_minutes)
        return cls(event.season, event.round, event.name, event.last_date, session.name, wall_time, session.starts_at)


def fetch_timing(session: TimedSession, access: Access, *, settled: bool = False) -> TimingDocument:
    """FastF1's results and laps of a session, from live timing's laps and race control messages.

    Args:
        settled: its files no longer change: read them from FastF1's HTTP cache, and add them to it.

    Raises:
        SourceEmpty: live timing has nothing yet.
        SourceError: any other fault, typed.
    """
    with asking(Source.LIVETIMING, access) as call, keeping_files(access) if settled else nullcontext():
        loaded = fastf1.core.Session(event_of(session), session.name, f1_api_support=True)
        results, laps = _load(fastf1_internals.without_ergast(loaded), call)
        if results.empty or results["Position"].isna().all():
            raise SourceEmpty(Source.LIVETIMING.value, "not there yet")
        if laps.empty or laps["LapTime"].isna().all():
            # FastF1 then numbers the driver list, which is not a result.
            raise SourceMalformed(Source.LIVETIMING.value, "a classification without laps")
        return {"results": rows_of(results, RESULT_COLUMNS), "laps": rows_of(laps, LAP_COLUMNS)}


def _load(session: fastf1.core.Session, call: Call) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        # Without this check FastF1 would request ten files on two hosts each, to find none.
        if not fastf1_internals.has_session_info(session):
            if all(status in (403, 404) for status in call.statuses):
                raise SourceEmpty(Source.LIVETIMING.value, "not there yet")
            raise SourceUnreachable(Source.LIVETIMING.value, f"server error {call.statuses[-1]}")
        session.load(laps=True, telemetry=False, weather=False, messages=True)
        return pd.DataFrame(session.results), pd.DataFrame(session.laps)
    except (FastF1CriticalError, SourceError):
        raise
    except DataNotLoadedError:
        raise SourceEmpty(Source.LIVETIMING.value, "not there yet") from None
    except Exception as error:
        # FastF1's parsers raise anything for an incomplete feed: the fault is in the feed.
        if any(status in (403, 404) for status in call.statuses):
            raise SourceEmpty(Source.LIVETIMING.value, "not there yet") from error
        raise SourceMalformed(Source.LIVETIMING.value, "feeds that FastF1 cannot read") from error


def event_of(session: TimedSession) -> fastf1.events.Event:
    """An event with this one session, so FastF1 finds its files without a schedule."""
    return fastf1.events.Event(
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
