"""Schedules from FastF1 and Jolpica to listed events.

Column and key names are FastF1's (https://docs.fastf1.dev/events.html) and Jolpica's
(https://github.com/jolpica/jolpica-f1/tree/main/docs). Anything not mapped here is refused, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from core.bounds import name_or_none
from core.documents import SLOTS, Document, as_text
from core.errors import ScheduleRejected, SourceError, SourceMalformed, reading_answer
from core.kinds import EventFormat, SessionKind, Source
from core.records import Circuit, ListedEvent, ListedSession, MalformedEvent, ScheduleAnswer
from core.transform import cells

SHOOTOUT_SEASON = 2023
"""The one season in which a sprint's qualifying was called Sprint Shootout."""

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
    """The kind that a label means in a season, None if unknown. In 2021 "Sprint Qualifying" was the sprint itself."""
    if season == 2021 and label == "Sprint Qualifying":
        return SessionKind.SPRINT
    return KINDS.get(label)


def schedule_answer(documents: Sequence[Document], season: int, source: Source) -> ScheduleAnswer:
    """A season's documents as listed events: from FastF1's frames with wall times, from Jolpica with instants in UTC.

    Jolpica's have circuits, but no time zones.

    Raises:
        SourceError: FastF1's frame has an unmapped column.
        ScheduleRejected: the frame lacks a column.
    """
    if source is Source.JOLPICA:
        return _answer(source, season, documents, lambda race: _event_of_race(race, season), "raceName")
    if unmapped := sorted({column for row in documents for column in row} - FRAME_COLUMNS):
        raise SourceError(source.value, f"its schedule has a new column {shown(unmapped[0])}")
    if lost := _lost_slot(documents):
        raise ScheduleRejected(source.value, f"not a calendar: no race has a session {lost}")
    answer = _answer(source, season, documents, lambda row: _event_of_row(row, season, source), "EventName")
    return answer.model_copy(update={"complete": source is Source.FASTF1})


def _answer(
    source: Source, season: int, documents: Sequence[Any], read: Callable[[Any], ListedEvent], name: str
) -> ScheduleAnswer:
    """The events of an answer; an unreadable one is kept aside with its `name`, and does not affect others."""
    events: list[ListedEvent] = []
    malformed: list[MalformedEvent] = []
    for document in documents:
        try:
            with reading_answer(source.value, "an event that cannot be read"):
                events.append(read(document))
        except SourceMalformed as fault:
            called = document.get(name) if isinstance(document, Mapping) else None
            malformed.append(MalformedEvent(name=name_or_none(called), reason=fault.what, document=as_text(document)))
    return ScheduleAnswer(season=season, source=source, complete=True, events=tuple(events), malformed=tuple(malformed))


def _lost_slot(rows: Sequence[Mapping[Any, Any]]) -> int | None:
    """A slot without a session in any race, though races have sessions: FastF1 fills a missing column with nothing."""
    races = [row for row in rows if row["EventFormat"] != EventFormat.TESTING.value]
    filled = {slot for slot in SLOTS for row in races if cells.text(row[f"Session{slot}"]) is not None}
    return min(set(SLOTS) - filled, default=None) if filled else None


def _event_of_row(row: Mapping[str, Any], season: int, source: Source) -> ListedEvent:
    def cell(column: str) -> str | None:
        return _text(source, row[column])

    name = cell("EventName")
    if name is None:
        raise SourceMalformed(source.value, "an event without a name")
    sessions: list[ListedSession] = []
    unknown: list[str] = []
    for slot in SLOTS:
        label = cell(f"Session{slot}")
        if label is None:
            continue
        kind = session_kind(season, label)
        if kind is None:
            unknown.append(label)
        else:
            sessions.append(_listed_session(kind, label, row[f"Session{slot}Date"]))
    dates = [listed.local_date for listed in sessions if listed.local_date is not None]
    event_date = row["EventDate"]
    if event_date is None and not dates:
        raise SourceMalformed(source.value, "an event without a date")
    return ListedEvent(
        season=season,
        round=int(row["RoundNumber"]) or None,
        name=name,
        official_name=cell("OfficialEventName"),
        country=cell("Country") or "",
        locality=cell("Location") or "",
        format=_format(source, row["EventFormat"]),
        last_date=max(dates) if dates else datetime.fromisoformat(event_date).date(),
        sessions=tuple(sessions),
        unknown_sessions=tuple(unknown),
    )


def event_of_result(race: Mapping[str, Any], season: int) -> ListedEvent:
    """The event of a document with results, by its name, place and date.

    Raises:
        SourceMalformed: a required field is missing.
    """
    with reading_answer(Source.JOLPICA.value, "a race that cannot be read"):
        return _event_of_race({key: race[key] for key in race if key in RACE_KEYS}, season)


def _event_of_race(race: Mapping[str, Any], season: int) -> ListedEvent:
    if unmapped := sorted(set(race) - RACE_KEYS - set(RACE_SESSIONS)):
        raise SourceMalformed(Source.JOLPICA.value, f"a race with a new key {shown(unmapped[0])}")
    if race["season"] != str(season):
        raise SourceMalformed(Source.JOLPICA.value, "a race of another season")
    sessions = [_instant_session(season, label, race[key]) for key, label in RACE_SESSIONS.items() if key in race]
    sessions.append(_instant_session(season, "Race", race))
    circuit = race["Circuit"]
    place = circuit["Location"]
    return ListedEvent(
        season=season,
        round=int(str(race["round"])),
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
            time_zone=None,
        ),
    )


def _format_of_race(season: int, race: Mapping[str, Any]) -> EventFormat:
    if "Sprint" not in race:
        return EventFormat.CONVENTIONAL
    if season < SHOOTOUT_SEASON:
        return EventFormat.SPRINT
    return EventFormat.SPRINT_SHOOTOUT if season == SHOOTOUT_SEASON else EventFormat.SPRINT_QUALIFYING


def _instant_session(season: int, label: str, slot: Mapping[str, Any]) -> ListedSession:
    if season == SHOOTOUT_SEASON and label == "Sprint Qualifying":
        label = "Sprint Shootout"
    day = date.fromisoformat(slot["date"])
    clock = slot.get("time") or None
    return ListedSession(
        kind=KINDS[label],
        name=label,
        local_date=day,
        instant=None if clock is None else datetime.fromisoformat(f"{day.isoformat()}T{clock}"),
    )


def _listed_session(kind: SessionKind, label: str, moment: str | None) -> ListedSession:
    if moment is None:
        return ListedSession(kind=kind, name=label)
    stamp = datetime.fromisoformat(moment)
    offset = stamp.utcoffset()
    wall = stamp.replace(tzinfo=None)
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
        raise SourceMalformed(source.value, f"an event of a new format {shown(text)}") from None


def shown(value: Any) -> str:
    """A value from upstream for a message: shortened, as Python writes it in ASCII."""
    return ascii(value)[:60]


def _text(source: Source, value: Any) -> str | None:
    """A cell's text. FastF1 turns any JSON into text: "[1]", "True" and "7" are refused, since no name is like that."""
    text = cells.text(value)
    if text is not None and (text[0] in "[{" or text in ("True", "False") or not any(map(str.isalpha, text))):
        raise SourceMalformed(source.value, f"an event with a value that is not text, {shown(text)}")
    return text
