"""Live timing's archive of a session: FastF1's laps and drivers, and feeds that FastF1 uses only in part."""

from __future__ import annotations

from contextlib import nullcontext
from copy import deepcopy

import fastf1.core
import pandas as pd
from fastf1.exceptions import DataNotLoadedError, FastF1CriticalError

from core.documents import ArchiveDocument, Document
from core.errors import SourceEmpty, SourceError, SourceMalformed
from core.fetch import fastf1_internals
from core.fetch.access import Access
from core.fetch.fastf1_internals import FEEDS, Feeds
from core.fetch.frames import rows_of
from core.fetch.kept import keeping_files
from core.fetch.session import asking
from core.fetch.timing import NOT_THERE, fetch_feed, unloaded
from core.kinds import Source
from core.records import Event, Session

LAP_COLUMNS = (
    "DriverNumber",
    "LapNumber",
    "LapTime",
    "Time",
    "LapStartTime",
    "Sector1Time",
    "Sector2Time",
    "Sector3Time",
    "Sector3SessionTime",
    "SpeedI1",
    "SpeedI2",
    "SpeedFL",
    "SpeedST",
    "Stint",
    "Compound",
    "TyreLife",
    "FreshTyre",
    "PitInTime",
    "PitOutTime",
    "TrackStatus",
    "FastF1Generated",
    "IsAccurate",
)
DRIVER_COLUMNS = ("DriverNumber", "Abbreviation", "FullName", "TeamName", "TeamColor")


def fetch_archive(event: Event, session: Session, access: Access, *, settled: bool = False) -> ArchiveDocument:
    """Live timing's archive of a session whose time is known, one request per feed.

    Args:
        settled: its files no longer change: read them from FastF1's HTTP cache, and add them to it.

    Raises:
        SourceEmpty: live timing has nothing yet.
        SourceError: any other fault, typed, such as a feed that exists and cannot be fetched.
    """
    with asking(Source.LIVETIMING, access) as call, keeping_files(access) if settled else nullcontext():
        loaded = unloaded(event, session)
        feeds = Feeds(loaded)
        info = deepcopy(fetch_feed(feeds, "SessionInfo", call))  # FastF1 adds moments to the feed, which are not JSON
        if info is None:
            raise SourceEmpty(Source.LIVETIMING.value, NOT_THERE)
        for name in FEEDS:
            fetch_feed(feeds, name, call)
        try:
            fastf1_internals.without_ergast(loaded).load(telemetry=False, livedata=feeds)
        except (FastF1CriticalError, SourceError):
            raise
        except Exception as error:
            # FastF1's parsers raise anything for an incomplete feed: the fault is in the feed.
            raise SourceMalformed(Source.LIVETIMING.value, "feeds that FastF1 cannot read") from error
        return {
            "laps": _laps(loaded),
            "drivers": rows_of(pd.DataFrame(loaded.results), DRIVER_COLUMNS) or None,
            "info": info,
            "driver_list": feeds.fetch("DriverList"),
            "statuses": feeds.fetch("SessionStatus") or [],
            "race_control": feeds.fetch("RaceControlMessages"),
            "weather": feeds.fetch("WeatherData"),
            "pit_stops": feeds.fetch("PitStopSeries"),
        }


def _laps(loaded: fastf1.core.Session) -> list[Document] | None:
    """FastF1's laps; None if the feeds give none."""
    try:
        laps = pd.DataFrame(loaded.laps)
    except DataNotLoadedError:
        return None
    return rows_of(laps, LAP_COLUMNS) or None
