"""An upstream in one process, with its state at a moment and the faults a test has added."""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from core.replay import facts, jolpica, livetiming, schedule
from core.replay.facts import Classification, EventFacts, Reader
from core.replay.jolpica import Document

SCHEDULE = re.compile(r"/schedule/schedule_(\d{4})\.json")
JOLPICA = re.compile(r"/ergast/f1/(\d{4})(?:/(\d{1,2}))?(?:/([a-z]+))?(?:(?<=/laps)/\d+)?(?:\.json|/)?", re.IGNORECASE)
LIVE_TIMING = re.compile(r"/livetiming(?:-mirror)?/static/(\d{4})/(.+)")
# The dates in a folder are not compared: FastF1 requests São Paulo's qualifying of 2024 under the day before it was
# held, as the real archive files it.
STREAM = re.compile(r"[\d-]{10} (?P<event>[^/]+)/[\d-]{10} (?P<session>[^/]+)/(?P<name>\w+)\.jsonStream")


@dataclass
class Fault:
    """A fault in the next answers whose path and query match; each part is optional.

    match is a regular expression, searched; times counts down. A status or a body replaces the answer (the other is
    then 200, or empty); truncate keeps that many bytes; headers are added.
    """

    match: str
    times: int = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    truncate: int | None = None
    delay_seconds: float = 0.0


@dataclass(frozen=True)
class Request:
    """A served request: its path with query as sent, the status of the answer."""

    path: str
    status: int


@dataclass(frozen=True)
class Answer:
    """An answer, sent after a delay."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delay_seconds: float


class Upstream:
    """The sample upstream at as_of (UTC; None: the end of time), with time passing speed times as fast as the clock.

    calendars replaces a season's events ((season) -> events), for every reader.
    overlay replaces Jolpica's documents of a table ((season, table) -> whole documents), at any as_of.
    publish_after is the time from a session's scheduled start to its results on Jolpica;
    publish_after_of overrides it for a (round, table). timing_after is the time from a session's end, by its usual
    length, to its live timing.
    """

    _set: datetime | None
    _set_at: float

    def __init__(self, as_of: datetime | None = None, speed: float = 0.0) -> None:
        self._lock = threading.Lock()
        self._speed = speed
        self.as_of = as_of
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.calendars: dict[int, Sequence[EventFacts]] = {}
        self.overlay: dict[tuple[int, str], list[Document]] = {}
        self.publish_after = timedelta(hours=3)
        self.publish_after_of: dict[tuple[int, str], timedelta] = {}
        self.timing_after = timedelta(minutes=30)

    @property
    def as_of(self) -> datetime | None:
        """Upstream's current moment."""
        if self._set is None or not self._speed:
            return self._set
        return self._set + timedelta(seconds=(time.monotonic() - self._set_at) * self._speed)

    @as_of.setter
    def as_of(self, moment: datetime | None) -> None:
        if moment is not None and moment.tzinfo is None:
            raise ValueError("as_of needs a time zone")
        self._set = moment
        self._set_at = time.monotonic()

    def answer(self, target: str) -> Answer:
        """Answer a GET of a path with query, and record the request."""
        fault = self._fault(target)
        status, body = 200, self._find(target)
        if body is None:
            status, body = 404, b"not found"
        if fault:
            if fault.status is not None or fault.body is not None:
                status, body = fault.status or 200, fault.body or b""
            body = body[: fault.truncate]
        with self._lock:
            self.requests.append(Request(target, status))
        headers = {"Content-Type": "application/json"} | dict(fault.headers if fault else {})
        return Answer(status, headers, body, fault.delay_seconds if fault else 0.0)

    def calendar(self, season: int, reader: Reader = "schedule") -> Sequence[EventFacts] | None:
        """A season's events for a reader at this moment, None if nothing is published."""
        if season in self.calendars:
            return self.calendars[season]
        return facts.calendar().at(self.as_of, reader) if season == facts.SEASON else None

    def documents(self, season: int, table: str) -> list[Document]:
        """All of Jolpica's documents of a table at this moment, one per race."""
        if (season, table) in self.overlay:
            return self.overlay[season, table]
        if table in jolpica.STANDINGS:
            results, sprints = self.documents(season, "results"), self.documents(season, "sprint")
            return jolpica.standings(table, results, sprints)
        events = self.calendar(season, "jolpica") or ()
        if table == "races":
            return jolpica.races(season, events)
        if season != facts.SEASON or table not in jolpica.SESSIONS:
            return []
        published = [(event, self._published(event, table)) for event in events]
        return [jolpica.classified(season, event, table, shown) for event, shown in published if shown]

    def _published(self, event: EventFacts, table: str) -> Classification | None:
        """The version of a session's classification that Jolpica serves at this moment, if any."""
        session, now = jolpica.SESSIONS[table], self.as_of
        versions = facts.classifications().get((event.name, session), ())
        starts_at = event.starts_at(session)
        if not versions or now is None or starts_at is None:
            return versions[-1] if versions and now is None else None
        at = starts_at + self.publish_after_of.get((event.round, table), self.publish_after)
        if now < at:
            return None
        return next(v for v in versions if v.superseded_after is None or now < at + v.superseded_after)

    def _fault(self, target: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.match, target):
                    fault.times -= 1
                    return fault
        return None

    def _find(self, target: str) -> bytes | None:
        url = urlsplit(target)
        path = unquote(url.path)
        if found := SCHEDULE.fullmatch(path):
            events = self.calendar(int(found[1]))
            return None if events is None else schedule.file(events)
        if found := JOLPICA.fullmatch(path):
            name = (found[3] or "races").lower()
            number = int(found[2]) if found[2] else None
            return self._jolpica(name, int(found[1]), number, parse_qs(url.query))
        if found := LIVE_TIMING.fullmatch(path):
            return self._live_timing(int(found[1]), found[2])
        return None

    def _jolpica(self, table: str, season: int, number: int | None, query: dict[str, list[str]]) -> bytes | None:
        if table not in jolpica.TABLES:
            return None
        limit = min(_whole(query.get("limit"), jolpica.DEFAULT_LIMIT), jolpica.MAX_LIMIT)
        offset = _whole(query.get("offset"), 0)
        documents = self.documents(season, table)
        if number is not None:
            documents = [document for document in documents if document["round"] == str(number)]
        elif table in jolpica.STANDINGS:
            documents = documents[-1:]
        return jolpica.answer(table, season, number, documents, limit, offset)

    def _live_timing(self, season: int, path: str) -> bytes | None:
        events = self.calendar(season)
        if events is None:
            return None
        now = self.as_of
        if path == "Index.json":
            return livetiming.index(season, events, now)
        if season != facts.SEASON or not (asked := STREAM.fullmatch(path.replace("_", " "))):
            return None
        event = next((event for event in events if event.name == asked["event"]), None)
        session = event.session(asked["session"]) if event else None
        starts_at = event.starts_at(session.name) if event and session else None
        if event is None or session is None or starts_at is None:
            return None
        versions = facts.classifications().get((event.name, session.name))
        if not versions or (now is not None and now < starts_at + session.length + self.timing_after):
            return None
        return livetiming.stream(asked["name"], season, event, session, versions[0])


def _whole(given: list[str] | None, default: int) -> int:
    return int(given[0]) if given and given[0].isdigit() else default
