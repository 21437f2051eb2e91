"""Schedules, as FastF1 and Jolpica write them, to listed events.

Column and key names are FastF1's (https://docs.fastf1.dev/events.html) and Jolpica's
(https://github.com/jolpica/jolpica-f1/tree/main/docs). What is not mapped here is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pandas as pd

from core.circuits import VENUES
from core.errors import SourceMalformed, UnmappedColumn
from core.records import (
    Circuit,
    EventFormat,
    ListedEvent,
    ListedSession,
    ScheduleAnswer,
    SessionKind,
    Source,
)

SLOTS = range(1, 6)
FRAME_COLUMNS = {
    "RoundNumber",
    "Country",
    "Location",
    "OfficialEventName",
    "EventDate",
    "EventName",
    "EventFormat",
    "F1ApiSupport",
    *(f"Session{slot}{part}" for slot in SLOTS for part in ("", "Date", "DateUtc")),
}

KINDS = {
    "Practice 1": SessionKind.PRACTICE_1,
    "Practice 2": SessionKind.PRACTICE_2,
    "Practice 3": SessionKind.PRACTICE_3,
    "Sprint Shootout": SessionKind.SPRINT_QUALIFYING,
    "Sprint Qualifying": SessionKind.SPRINT_QUALIFYING,
    "Sprint": SessionKind.SPRINT,
    "Qualifying": SessionKind.QUALIFYING,
    "Race": SessionKind.RACE,
}

RACE_KEYS = {"season", "round", "url", "raceName", "Circuit", "date", "time"}
RACE_SESSIONS = {
    "FirstPractice": "Practice 1",
    "SecondPractice": "Practice 2",
    "ThirdPractice": "Practice 3",
    "SprintShootout": "Sprint Shootout",
    "SprintQualifying": "Sprint Qualifying",
    "Sprint": "Sprint",
    "Qualifying": "Qualifying",
}


def session_kind(season: int, label: str) -> SessionKind | None:
    """What a session's label means in a season; None when it means nothing to us.

    In 2021 "Sprint Qualifying" was the sprint itself.
    """
    if season == 2021 and label == "Sprint Qualifying":
        return SessionKind.SPRINT
    return KINDS.get(label)


def answer_from_frame(frame: pd.DataFrame, season: int, source: Source) -> ScheduleAnswer:
    """FastF1's schedule frame (one row an event) as listed events with wall times.

    Raises:
        UnmappedColumn: the frame has a column, or an event a format, that is not mapped.
    """
    if unmapped := sorted(set(frame.columns) - FRAME_COLUMNS):
        raise UnmappedColumn(source.value, f"its schedule has a new column {unmapped[0]}")
    events: list[ListedEvent] = []
    for row in frame.to_dict("records"):
        name = _text(row["EventName"])
        if name is None:
            raise SourceMalformed(source.value, "an event without a name")
        sessions: dict[SessionKind, ListedSession] = {}
        unknown: list[str] = []
        for slot in SLOTS:
            label = _text(row[f"Session{slot}"])
            if label is None:
                continue
            kind = session_kind(season, label)
            if kind is None:
                unknown.append(label)
                continue
            sessions.setdefault(kind, _listed_session(kind, label, row[f"Session{slot}Date"]))
        dates = [listed.local_date for listed in sessions.values() if listed.local_date is not None]
        event_date = row["EventDate"]
        if pd.isna(event_date) and not dates:
            raise SourceMalformed(source.value, f"{name} without a date")
        events.append(
            ListedEvent(
                season=season,
                round=int(row["RoundNumber"]) or None,
                name=name,
                official_name=_text(row["OfficialEventName"]),
                country=_text(row["Country"]) or "",
                locality=_text(row["Location"]) or "",
                format=_format(source, row["EventFormat"]),
                last_date=max(dates) if dates else event_date.date(),
                sessions=tuple(sessions.values()),
                unknown_sessions=tuple(unknown),
            )
        )
    return ScheduleAnswer(season=season, source=source, complete=source is Source.FASTF1, events=tuple(events))


def answer_from_races(races: Iterable[Mapping[str, Any]], season: int) -> ScheduleAnswer:
    """Jolpica's races (one document each) as listed events with instants in UTC, and their circuits.

    Raises:
        UnmappedColumn: a race has a key that is not mapped.
        SourceMalformed: a race lacks what every race has.
    """
    try:
        events = tuple(_event_of_race(race, season) for race in races)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceMalformed(Source.JOLPICA.value, "a race that lacks what every race has") from error
    return ScheduleAnswer(season=season, source=Source.JOLPICA, complete=True, events=events)


def event_of_result(race: Mapping[str, Any], season: int) -> ListedEvent:
    """The event that a document with results belongs to, by its name, place and date.

    Raises:
        SourceMalformed: it lacks what every race has.
    """
    try:
        return _event_of_race({key: race[key] for key in race if key in RACE_KEYS}, season)
    except (KeyError, TypeError, ValueError) as error:
        raise SourceMalformed(Source.JOLPICA.value, "a race that lacks what every race has") from error


def _event_of_race(race: Mapping[str, Any], season: int) -> ListedEvent:
    if unmapped := sorted(set(race) - RACE_KEYS - set(RACE_SESSIONS)):
        raise UnmappedColumn(Source.JOLPICA.value, f"its races have a new key {unmapped[0]}")
    sessions = [_instant_session(season, label, race[key]) for key, label in RACE_SESSIONS.items() if key in race]
    sessions.append(_instant_session(season, "Race", race))
    circuit = race["Circuit"]
    place = circuit["Location"]
    venue = VENUES.get(circuit["circuitId"])
    return ListedEvent(
        season=season,
        round=int(race["round"]),
        name=race["raceName"],
        official_name=None,
        country=place["country"],
        locality=place["locality"],
        format=_format_of_race(season, race),
        last_date=date.fromisoformat(race["date"]),
        sessions=tuple(sessions),
        circuit=Circuit(
            id=circuit["circuitId"],
            name=circuit["circuitName"],
            locality=place["locality"],
            country=place["country"],
            latitude=float(place["lat"]) if place.get("lat") else None,
            longitude=float(place["long"]) if place.get("long") else None,
            time_zone=venue.time_zone if venue else None,
        ),
    )


def _format_of_race(season: int, race: Mapping[str, Any]) -> EventFormat:
    if "Sprint" not in race:
        return EventFormat.CONVENTIONAL
    if season <= 2022:
        return EventFormat.SPRINT
    return EventFormat.SPRINT_SHOOTOUT if season == 2023 else EventFormat.SPRINT_QUALIFYING


def _instant_session(season: int, label: str, slot: Mapping[str, Any]) -> ListedSession:
    if season == 2023 and label == "Sprint Qualifying":
        label = "Sprint Shootout"
    day = date.fromisoformat(slot["date"])
    clock = slot.get("time")
    return ListedSession(
        kind=KINDS[label],
        name=label,
        local_date=day,
        instant=datetime.fromisoformat(f"{day.isoformat()}T{clock}") if clock else None,
    )


def _listed_session(kind: SessionKind, label: str, moment: Any) -> ListedSession:
    if pd.isna(moment):
        return ListedSession(kind=kind, name=label)
    stamp = pd.Timestamp(moment)
    offset = stamp.utcoffset()
    wall = stamp.tz_localize(None).to_pydatetime()
    return ListedSession(
        kind=kind,
        name=label,
        local_date=wall.date(),
        wall_time=wall,
        utc_offset_minutes=None if offset is None else int(offset.total_seconds() // 60),
    )


def _format(source: Source, text: Any) -> EventFormat:
    try:
        return EventFormat(text)
    except ValueError:
        raise UnmappedColumn(source.value, f"its schedule has a new event format {text!r}") from None


def _text(value: Any) -> str | None:
    """A cell's text; None for a missing one, which FastF1 may also spell "", "None" or "nan"."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return None
    text = str(value).strip()
    return None if text in ("", "None", "nan", "NaT") else text
