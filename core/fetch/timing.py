"""A session's classification from live timing, as FastF1 derives it."""

from __future__ import annotations

from contextlib import nullcontext

import fastf1.core
import fastf1.events
import pandas as pd
from fastf1.exceptions import DataNotLoadedError, FastF1CriticalError

from core.documents import SLOTS, Feed, TimingDocument
from core.errors import SourceEmpty, SourceError, SourceMalformed, SourceUnreachable
from core.fetch import fastf1_internals
from core.fetch.access import Access
from core.fetch.fastf1_internals import Feeds
from core.fetch.frames import rows_of
from core.fetch.kept import keeping_files
from core.fetch.session import ABSENT, Call, asking
from core.kinds import Source
from core.records import Event, Session

NOT_THERE = "not there yet"

RESULT_COLUMNS = ("DriverNumber", "Abbreviation", "Position", "Q1", "Q2", "Q3")
LAP_COLUMNS = ("DriverNumber", "LapNumber", "LapTime", "Time", "Deleted", "FastF1Generated")


def fetch_timing(event: Event, session: Session, access: Access, *, settled: bool = False) -> TimingDocument:
    """FastF1's results and laps of a session whose time is known, from its laps and race control's messages.

    Args:
        settled: its files no longer change: read them from FastF1's HTTP cache, and add them to it.

    Raises:
        SourceEmpty: live timing has nothing yet.
        SourceError: any other fault, typed.
    """
    with asking(Source.LIVETIMING, access) as call, keeping_files(access) if settled else nullcontext():
        results, laps = _load(fastf1_internals.without_ergast(unloaded(event, session)), call)
        if results.empty or results["Position"].isna().all():
            raise SourceEmpty(Source.LIVETIMING.value, NOT_THERE)
        if laps.empty or laps["LapTime"].isna().all():
            # FastF1 then numbers the driver list, which is not a result.
            raise SourceMalformed(Source.LIVETIMING.value, "a classification without laps")
        return {"results": rows_of(results, RESULT_COLUMNS), "laps": rows_of(laps, LAP_COLUMNS)}


def _load(session: fastf1.core.Session, call: Call) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        # Without this check FastF1 would request ten files on two hosts each, to find none.
        if fetch_feed(Feeds(session), "SessionInfo", call) is None:
            raise SourceEmpty(Source.LIVETIMING.value, NOT_THERE)
        session.load(laps=True, telemetry=False, weather=False, messages=True)
        return pd.DataFrame(session.results), pd.DataFrame(session.laps)
    except (FastF1CriticalError, SourceError):
        raise
    except DataNotLoadedError:
        raise SourceEmpty(Source.LIVETIMING.value, NOT_THERE) from None
    except Exception as error:
        # FastF1's parsers raise anything for an incomplete feed: the fault is in the feed.
        if any(status in ABSENT for status in call.statuses):
            raise SourceEmpty(Source.LIVETIMING.value, NOT_THERE) from error
        raise SourceMalformed(Source.LIVETIMING.value, "feeds that FastF1 cannot read") from error


def fetch_feed(feeds: Feeds, name: str, call: Call) -> Feed | None:
    """A feed's messages, None if there is no such feed.

    Raises:
        SourceUnreachable: a host failed, so the feed may exist.
    """
    before = len(call.statuses)
    found = feeds.fetch(name)
    if found is None and any(status not in ABSENT for status in call.statuses[before:]):
        raise SourceUnreachable(Source.LIVETIMING.value, f"server error {call.statuses[-1]}")
    return found


def unloaded(event: Event, session: Session) -> fastf1.core.Session:
    """FastF1's session, of an event with this one, so that it finds the files without a schedule."""
    wall_time, starts_at = session.wall_time, session.starts_at
    assert wall_time is not None
    assert starts_at is not None
    alone = fastf1.events.Event(
        {
            "EventName": event.name,
            "EventDate": pd.Timestamp(event.last_date),
            "RoundNumber": event.round or 0,
            "EventFormat": "conventional",
            "Session1": session.name,
            "Session1Date": pd.Timestamp(wall_time),
            "Session1DateUtc": pd.Timestamp(starts_at).tz_localize(None),
            **{f"Session{slot}": None for slot in SLOTS[1:]},
        },
        year=event.season,
    )
    return fastf1.core.Session(alone, session.name, f1_api_support=True)
