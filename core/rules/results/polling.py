"""When a session's results are polled: often until they are published, then at growing intervals. Pure.

Each state has a table of stages. Polls within a stage lie on a grid that starts with it, so a poll that runs late does
not delay the next one. The next poll is the first grid point after `now`, so a long outage leaves one poll due, not
hundreds. Instants are aware.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from core.documents import LISTING_OF
from core.kinds import EventFormat, ResultsState, SessionKind, Status
from core.records import Session
from core.rules.calendar.season import FIRST_LIVETIMING_SEASON
from core.rules.calendar.times import FIRST_ZONE, date_over

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

SESSIONS_OF_JOLPICA = frozenset(LISTING_OF)
"""The kinds with an official table; the others have only live timing's."""


@dataclass(frozen=True)
class Cadence:
    """The settings that the cadence depends on: POST_SESSION_DELAY_MINUTES and POLL_INTERVAL_MINUTES."""

    delay: timedelta
    interval: timedelta


@dataclass(frozen=True)
class Stage:
    """Poll every `every` for `lasts` (None: forever); `urgent`: at least every POLL_INTERVAL."""

    lasts: timedelta | None
    every: timedelta
    urgent: bool = False


UNTIL_OFFICIAL = (
    # From the first poll on.
    Stage(12 * HOUR, 5 * MINUTE, urgent=True),
    Stage(12 * HOUR, HOUR, urgent=True),
    Stage(3 * DAY, HOUR),
    Stage(None, DAY),
)
ONCE_OFFICIAL = (
    # From when results became official: corrections come after hours or days, and once came after 89 days.
    Stage(DAY, HOUR),
    Stage(14 * DAY, DAY),
    Stage(None, 7 * DAY),
)
ONCE_TIMED = (
    # From the first poll on, for kinds that only live timing has: its archive is complete within hours.
    Stage(6 * HOUR, HOUR),
    Stage(3 * DAY, DAY),
    Stage(None, 28 * DAY),
)

FILED = timedelta(days=7)
AFTER_SEASON = 30 * DAY
"""Results are settled this long after their season's end."""

FRESH = DAY
"""Results come within a day. A table first read later has been official for longer, and needs no hourly polls."""

COMMON_GRID = datetime(2000, 1, 3, 6, tzinfo=UTC)
"""Daily and weekly polls fall on six in the morning UTC, weekly ones on Mondays."""

FIRST_RETRY, LAST_RETRY = 5 * MINUTE, HOUR

PAST_EVERY, PAST_AT_MOST = DAY, 28 * DAY
"""The shortest and longest time between polls of a past season's session whose answers are rejected."""

NOTHING_EVERY, NOTHING_TIMES = 7 * DAY, 3
"""After this many polls without results, this far apart, a past session counts as having none."""

HOT_LASTS = 6 * HOUR
"""From the first poll on; most results come within this time."""

SLOT = 5 * MINUTE
"""The interval of `poll-results`' schedule: Prefect would cancel a run that starts before this one ends."""

TAKES = timedelta(seconds=100)
"""The longest time for one session: Jolpica's answer, live timing's, and delivery of the changes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_polled(kind: SessionKind, event_format: EventFormat, season: int) -> bool:
    """Whether any source can have a session's results; none has those of tests."""
    if event_format is EventFormat.TESTING:
        return False
    return kind in SESSIONS_OF_JOLPICA or has_livetiming(season)


def has_livetiming(season: int) -> bool:
    """Whether live timing can have a season's sessions."""
    return season >= FIRST_LIVETIMING_SEASON


def over_at(session: Session) -> datetime:
    """When a session is over; if its time is unknown, when its date is over everywhere."""
    return session.ends_at or date_over(session.local_date)


def has_begun(session: Session, now: datetime) -> bool:
    """Whether a session's start is past; if its time is unknown, whether its date has begun anywhere."""
    if session.starts_at is not None:
        return now >= session.starts_at
    return now >= datetime.combine(session.local_date, time(), UTC) - FIRST_ZONE


def is_filed(session: Session, now: datetime) -> bool:
    """Whether live timing's files of a session no longer change: from a week after its end on."""
    return now >= over_at(session) + FILED


def is_settled(now: datetime, season_end: datetime) -> bool:
    """Whether a season's results are no longer polled: 30 days after its last session, with or without results."""
    return now >= season_end + AFTER_SEASON


def next_poll(
    state: ResultsState,
    *,
    kind: SessionKind,
    ended_at: datetime,
    official_since: datetime | None,
    now: datetime,
    season_end: datetime,
    cadence: Cadence,
) -> datetime | None:
    """The first poll after `now` by the season's cadence; None once the season is past, or the session settled.

    For use after an answer, including "not yet"; after a fault use `retry_after_fault`. `official_since` is when the
    database first held an official table; corrections do not change it. The last poll is when the session settles.
    """
    if state is ResultsState.SETTLED or is_settled(now, season_end):
        return None
    first = ended_at + cadence.delay
    if now < first and state is not ResultsState.OFFICIAL:
        return first
    if state is ResultsState.OFFICIAL:
        start = min(official_since or ended_at, ended_at + FRESH)
        found = _after(now, start, ONCE_OFFICIAL, cadence)
    elif state is ResultsState.PROVISIONAL and kind not in SESSIONS_OF_JOLPICA:
        found = _after(now, first, ONCE_TIMED, cadence)
    else:
        found = _after(now, first, UNTIL_OFFICIAL, cadence)
    return min(found, season_end + AFTER_SEASON)


def retry_after_fault(now: datetime, faults: int) -> datetime:
    """The next poll after `faults` faults in a row (from 1): 5, 10, 20, 40 and then always 60 minutes later."""
    return now + min(FIRST_RETRY * (1 << min(max(faults - 1, 0), 10)), LAST_RETRY)


def retry_past(now: datetime, refused: int) -> datetime:
    """The next poll of a past season's session after `refused` rejected answers (from 1), at growing intervals."""
    return now + min(PAST_EVERY * (1 << min(max(refused - 1, 0), 10)), PAST_AT_MOST)


def due_since(session: Session, delay: timedelta) -> datetime | None:
    """Since when a session is due, however old; None if cancelled, settled, or polled and without a next poll."""
    if session.status is Status.CANCELLED or session.results_state is ResultsState.SETTLED:
        return None
    first = over_at(session) + delay
    if session.next_poll_at is not None:
        # A session that moved into the future keeps its old `next_poll_at`, so its new end decides.
        return session.next_poll_at if session.has_results else max(session.next_poll_at, first)
    return first if session.poll_attempts == 0 else None


def due(sessions: Iterable[Session], now: datetime, delay: timedelta) -> list[Session]:
    """Those of the sessions that are due for a poll, oldest first; each must satisfy `is_polled`."""
    found = [(since, s.id, s) for s in sessions if (since := due_since(s, delay)) is not None and since <= now]
    return [session for _, _, session in sorted(found, key=lambda one: one[:2])]


def is_hot(session: Session, now: datetime, delay: timedelta) -> bool:
    """Whether a better table of a session is likely to be published now; `delay` is from its end to the first poll."""
    if session.ends_at is None or session.results_state.is_official:
        return False
    if session.results_state is ResultsState.PROVISIONAL and session.kind not in SESSIONS_OF_JOLPICA:
        return False
    first = over_at(session) + delay
    return first <= now < first + HOT_LASTS


def next_hot_poll(began: datetime, now: datetime, every: timedelta, sessions: int) -> datetime | None:
    """When a run polls this many sessions again; None if that would not end within its slot."""
    if not sessions:
        return None
    at = began + ((now - began) // every + 1) * every
    slot_ends = EPOCH + ((began - EPOCH) // SLOT + 1) * SLOT
    return at if at + sessions * TAKES <= slot_ends else None


def stage_at(stages: Sequence[Stage], age: timedelta) -> tuple[Stage, timedelta]:
    """The stage that an age falls in, and the age at which it begins; the last stage has no end."""
    begins = timedelta()
    for stage in stages:
        if stage.lasts is None or age < begins + stage.lasts:
            return stage, begins
        begins += stage.lasts
    raise AssertionError("the last stage has an end")


def _after(now: datetime, start: datetime, stages: Sequence[Stage], cadence: Cadence) -> datetime:
    """The first instant after `now` on the stages' grids."""
    stage, begins = stage_at(stages, now - start)
    every = min(stage.every, cadence.interval) if stage.urgent else stage.every
    # Daily and weekly polls share common moments, when one whole table serves many sessions.
    origin = start + begins if every < DAY else COMMON_GRID
    found = origin + ((now - origin) // every + 1) * every
    return found if stage.lasts is None else min(found, start + begins + stage.lasts)
