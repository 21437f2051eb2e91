"""The live timing archive, rendered from facts: a season's index, and the streams of a session.

A stream is a list of lines, each a moment on the session's clock and a message. The laps are made up (evenly spaced in
a race; one flying lap a part in qualifying) so that they give the classification: same order, same times, same number
of laps. For one race `core.replay.track` has more.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.replay import facts
from core.replay.facts import Classification, Entry, EventFacts, SessionFacts, milliseconds
from core.replay.jolpica import Document
from core.replay.track import MINUTE, SECOND, Line, TrackFacts, tracks
from core.text import duration

# The clock starts this long before the session.
START = 15 * MINUTE
# The parts of a qualifying, all of one length: from, to.
PARTS = (
    (START, START + 18 * MINUTE),
    (START + 25 * MINUTE, START + 40 * MINUTE),
    (START + 48 * MINUTE, START + 60 * MINUTE),
)
OUT_LAP, IN_LAP = 120 * SECOND, 100 * SECOND


@dataclass(frozen=True)
class Course:
    """How a session went: the from and to of its parts, the cars' timing, who started, from when to when it stopped."""

    parts: tuple[tuple[int, int], ...]
    timing: tuple[Line, ...]
    starters: tuple[str, ...]
    tyres: tuple[Line, ...] = ()
    stopped: tuple[int, int] | None = None


def index(season: int, events: Sequence[EventFacts], now: datetime | None) -> bytes:
    """The season's meetings, each with its sessions that have begun (now None: all)."""
    meetings = []
    for event in events:
        sessions = [_session(season, event, session) for session in event.sessions if _begun(event, session, now)]
        if sessions:
            meetings.append(_meeting(event) | {"Sessions": sessions})
    return _encoded(json.dumps({"Year": season, "Meetings": meetings}))


def stream(
    name: str, season: int, event: EventFacts, session: SessionFacts, classification: Classification
) -> bytes | None:
    """A session's stream by its file name, None for one that the sample has not."""
    entries = classification.entries
    qualifying = session.name.endswith("Qualifying")
    track = tracks().get((event.round, session.name))
    course = _qualifying(entries) if qualifying else _race(entries, track)
    streams: dict[str, Iterable[Line]] = {
        "SessionInfo": [(0, _session(season, event, session) | {"Meeting": _meeting(event)})],
        "SessionStatus": _session_status(course),
        "TrackStatus": _track_status(course),
        "DriverList": [(5 * SECOND, _driver_list(entries))],
        "TimingData": course.timing,
        "TimingAppData": _tyres(course),
        "RaceControlMessages": _race_control(event, session, course),
    }
    if not qualifying:
        streams["LapCount"] = [(0, {"CurrentLap": 1, "TotalLaps": entries[0].laps})]
    if track is not None:
        streams["WeatherData"] = track.weather(START, course.parts[-1][1])
    if name not in streams:
        return None
    lines = sorted(streams[name], key=lambda line: line[0])
    return _encoded("".join(f"{_moment(at)}{json.dumps(message)}\r\n" for at, message in lines))


def _race(entries: Sequence[Entry], track: TrackFacts | None) -> Course:
    winner = entries[0]
    assert winner.time_ms is not None
    pause = track.stopped_ms if track else 0
    stopped: tuple[int, int] | None = None
    tyres: list[Line] = []
    lines: list[Line] = []
    for place, entry in enumerate(entries):
        if entry.place == "W":
            continue
        lines.append((START - 10 * MINUTE + place * SECOND, _car(entry, InPit=False)))
        if entry.time_ms is not None:
            total = entry.time_ms
        elif entry.place.isdigit():  # lapped: behind everybody ahead, after the winner has finished
            total = winner.time_ms + place * SECOND
        else:
            total = (winner.time_ms - pause) * entry.laps // winner.laps + place * SECOND + pause
        if track is None:
            ends = [START + total * lap // entry.laps for lap in range(1, entry.laps + 1)]
            lines += _laps(entry, ends, ends_in_pits=entry.place == "R")
        elif entry.car in track.stints:
            ends = track.ends(entry, START, total - pause)
            lines += _laps(entry, ends, untimed=track.stopped_after + 1)
            lines += track.pit_lines(entry.car, ends)
            tyres += track.tyre_lines(entry.car, START, ends)
            if entry is winner:
                at = ends[track.stopped_after - 1]
                stopped = at - MINUTE, at + pause - SECOND
    starters = tuple(entry.car for entry in entries if entry.place != "W" and (not track or entry.car in track.stints))
    return Course(((START, START + winner.time_ms),), tuple(lines), starters, tuple(tyres), stopped)


def _laps(entry: Entry, ends: Sequence[int], *, ends_in_pits: bool = False, untimed: int = 0) -> Iterator[Line]:
    began = START
    for lap, at in enumerate(ends, start=1):
        if lap == entry.laps and ends_in_pits:  # or FastF1 adds a lap that ended on track
            yield at - SECOND, _car(entry, InPit=True)
        lap_ms = at - began
        one, two, three = _sectors(lap_ms)
        times: Document = {"Sectors": {"1": {"Value": two}, "2": {"Value": three}}}
        if lap > 1:  # the archive has no time of the first lap
            times["Sectors"]["0"] = {"Value": one}
            times["LastLapTime"] = {"Value": duration(lap_ms)}
        yield at, _car(entry, NumberOfLaps=lap, **({} if lap == untimed else times))
        began = at


def _qualifying(entries: Sequence[Entry]) -> Course:
    lines: list[Line] = []
    for order, entry in enumerate(entries):
        laps = 0
        for part, (begins, _) in enumerate(PARTS):
            best = entry.best[part]
            if part and best is None:
                break
            if part:  # the reset of the best time tells FastF1 that a new part begins
                lines.append((begins - 2 * MINUTE, _car(entry, BestLapTimes={str(part): {"Value": ""}})))
            out = begins + MINUTE + order * 10 * SECOND
            lines.append((out, _car(entry, InPit=False, PitOut=True, NumberOfLaps=laps + 1)))
            lines.append((out + OUT_LAP, _car(entry, NumberOfLaps=laps + 2)))
            laps += 2
            if best is None:
                break
            laps += 1
            lines += _flying_lap(entry, out + OUT_LAP, best, part, laps)
    parts = PARTS[: max(sum(time is not None for time in entry.best) for entry in entries)]
    return Course(parts, tuple(lines), tuple(entry.car for entry in entries))


def _flying_lap(entry: Entry, at: int, best: str, part: int, lap: int) -> Iterator[Line]:
    one, two, three = _sectors(milliseconds(best))
    yield at + milliseconds(one), _car(entry, Sectors={"0": {"Value": one}})
    yield at + milliseconds(one) + milliseconds(two), _car(entry, Sectors={"1": {"Value": two}})
    yield (
        at + milliseconds(best),
        _car(
            entry,
            NumberOfLaps=lap,
            Sectors={"2": {"Value": three}},
            LastLapTime={"Value": best},
            BestLapTime={"Value": best, "Lap": lap},
            BestLapTimes={str(part): {"Value": best, "Lap": lap}},
        ),
    )
    yield at + milliseconds(best) + IN_LAP, _car(entry, InPit=True)


def _sectors(lap_ms: int) -> tuple[str, str, str]:
    one, two = lap_ms * 3 // 10, lap_ms * 4 // 10
    return duration(one), duration(two), duration(lap_ms - one - two)


def _car(entry: Entry, **message: object) -> Document:
    return {"Lines": {entry.car: message}}


def _session_status(course: Course) -> Iterator[Line]:
    yield 0, {"Status": "Inactive"}
    for began, ended in course.parts:
        yield began, {"Status": "Started"}
        yield ended, {"Status": "Finished"}
    if course.stopped:
        yield course.stopped[0], {"Status": "Aborted"}
        yield course.stopped[1], {"Status": "Started"}
    over = course.parts[-1][1]
    yield over + 5 * MINUTE, {"Status": "Finalised"}
    yield over + 10 * MINUTE, {"Status": "Ends"}


def _track_status(course: Course) -> Iterator[Line]:
    yield 0, {"Status": "1", "Message": "AllClear"}
    if course.stopped:
        yield course.stopped[0], {"Status": "5", "Message": "Red"}
        yield course.stopped[1], {"Status": "1", "Message": "AllClear"}


def _driver_list(entries: Sequence[Entry]) -> Document:
    listed = {}
    for line, entry in enumerate(entries, start=1):
        driver, team = facts.drivers()[entry.driver], facts.teams()[entry.team]
        listed[entry.car] = {
            "RacingNumber": entry.car,
            "BroadcastName": f"{driver.given[0]} {driver.family.upper()}",
            "FullName": f"{driver.given} {driver.family.upper()}",
            "Tla": driver.code,
            "Line": line,
            "TeamName": team.timing_name,
            "TeamColour": team.color,
            "FirstName": driver.given,
            "LastName": driver.family,
            "Reference": driver.reference,
        }
    return listed


def _tyres(course: Course) -> Iterator[Line]:
    if course.tyres:
        yield from course.tyres
        return
    # Which tyres is no fact of the sample, but FastF1 expects each starter to have some.
    stint = {"Compound": "UNKNOWN", "New": "true", "TyresNotChanged": "0", "TotalLaps": 0, "StartLaps": 0}
    yield START // 3, {"Lines": {car: {"Stints": {"0": stint}} for car in course.starters}}


def _race_control(event: EventFacts, session: SessionFacts, course: Course) -> Iterator[Line]:
    begins = event.starts_at(session.name)
    assert begins is not None
    green, chequered, red = "GREEN LIGHT - PIT EXIT OPEN", "CHEQUERED FLAG", "RED FLAG"
    said = [(began, green) for began, _ in course.parts] + [(ended, chequered) for _, ended in course.parts]
    if course.stopped:
        said += zip(course.stopped, (red, green), strict=True)
    for number, (at, text) in enumerate(sorted(said)):
        utc = (begins + timedelta(milliseconds=at - START)).replace(tzinfo=None, microsecond=0)
        flag = text.partition(" ")[0]
        message = {"Utc": utc.isoformat(), "Category": "Flag", "Flag": flag, "Scope": "Track", "Message": text}
        yield at, {"Messages": {str(number): message} if number else [message]}


def _meeting(event: EventFacts) -> Document:
    known = facts.circuits().get(event.circuit_id)
    key = {"Key": int(known.key)} if known and known.key != "-" else {}
    return {
        "Key": event.round + 1,
        "Number": event.round or 1,
        "Location": event.location,
        "OfficialName": event.official_name,
        "Name": event.name,
        "Country": {"Name": event.country},
        "Circuit": {**key, "ShortName": event.location},
    }


def _session(season: int, event: EventFacts, session: SessionFacts) -> Document:
    assert session.local is not None
    folder = f"{event.last_date} {event.name}/{session.local.date()} {session.name}/".replace(" ", "_")
    return {
        "Key": (event.round + 1) * 10 + event.sessions.index(session),
        "Type": "Race" if session.name == "Sprint" else session.name.rstrip(" 123").removeprefix("Sprint "),
        "Name": session.name,
        "StartDate": session.local.isoformat(),
        "EndDate": (session.local + session.length).isoformat(),
        "GmtOffset": f"{event.gmt_offset or '00:00'}:00".removeprefix("+"),
        "Path": f"{season}/{folder}",
    }


def _begun(event: EventFacts, session: SessionFacts, now: datetime | None) -> bool:
    at = event.starts_at(session.name)
    return at is not None and (now is None or at <= now)


def _moment(ms: int) -> str:
    seconds, thousandths = divmod(ms, SECOND)
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}.{thousandths:03}"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8-sig")  # the archive's files begin with a byte order mark
