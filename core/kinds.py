"""The vocabulary's kinds and states: the values of columns that hold one of a few words."""

from __future__ import annotations

from enum import StrEnum


class Source(StrEnum):
    """Where a row comes from, best source first."""

    FASTF1 = "fastf1"
    JOLPICA = "jolpica"
    LIVETIMING = "livetiming"

    @property
    def rank(self) -> int:
        """0 for the best source, higher numbers for worse ones."""
        return list(Source).index(self)


class SessionKind(StrEnum):
    """The kind of a session, whatever upstream calls it that year."""

    PRACTICE_1 = "practice_1"
    PRACTICE_2 = "practice_2"
    PRACTICE_3 = "practice_3"
    SPRINT_QUALIFYING = "sprint_qualifying"
    SPRINT = "sprint"
    QUALIFYING = "qualifying"
    RACE = "race"


RACED = (SessionKind.RACE, SessionKind.SPRINT)
"""The kinds of session in which cars race each other, from one start to one flag."""


class EventFormat(StrEnum):
    """Which sessions a weekend has."""

    CONVENTIONAL = "conventional"
    SPRINT = "sprint"
    SPRINT_SHOOTOUT = "sprint_shootout"
    SPRINT_QUALIFYING = "sprint_qualifying"
    TESTING = "testing"

    @property
    def has_sprint(self) -> bool:
        """Whether the weekend has a sprint beside its race."""
        return self not in (EventFormat.CONVENTIONAL, EventFormat.TESTING)


class Status(StrEnum):
    """The status of an event or a session."""

    SCHEDULED = "scheduled"
    LIVE = "live"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ResultsState(StrEnum):
    """The state of a session's results."""

    AWAITED = "awaited"
    PROVISIONAL = "provisional"
    OFFICIAL = "official"
    SETTLED = "settled"

    @property
    def is_official(self) -> bool:
        """Whether no better table is awaited: it is official, or no longer polled."""
        return self in (ResultsState.OFFICIAL, ResultsState.SETTLED)


class Entity(StrEnum):
    """The kind of thing that a change or a held answer is about."""

    EVENT = "event"
    SESSION = "session"
    SEASON = "season"


class ChangeKind(StrEnum):
    """What happened to an event, a session or a season's standings."""

    ADDED = "added"
    RENAMED = "renamed"
    RESCHEDULED = "rescheduled"
    POSTPONED = "postponed"
    BROUGHT_FORWARD = "brought_forward"
    RELOCATED = "relocated"
    RENUMBERED = "renumbered"
    FORMAT_CHANGED = "format_changed"
    DETAILED = "detailed"
    STATUS = "status"
    CANCELLED = "cancelled"
    REINSTATED = "reinstated"
    RESULTS_PUBLISHED = "results_published"
    RESULTS_OFFICIAL = "results_official"
    RESULTS_REVISED = "results_revised"
    RESULTS_RESTORED = "results_restored"
    STANDINGS = "standings"
    TIMING = "timing"
    LINEUP = "lineup"


class HeldKind(StrEnum):
    """Why an answer is held."""

    ABSENT = "absent"
    MOVED = "moved"
    UNKNOWN_SESSION = "unknown_session"
    SCHEDULE_REJECTED = "schedule_rejected"
    RESULTS_SUPERSEDED = "results_superseded"
    RESULTS_REJECTED = "results_rejected"
    RESULTS_SHORT = "results_short"
    RESULTS_ABSENT = "results_absent"
    STANDINGS_REJECTED = "standings_rejected"
    STANDINGS_DIFFER = "standings_differ"
    LAPS_REJECTED = "laps_rejected"
    STINTS_REJECTED = "stints_rejected"
    PIT_STOPS_REJECTED = "pit_stops_rejected"
    WEATHER_REJECTED = "weather_rejected"
    RACE_CONTROL_REJECTED = "race_control_rejected"
    ENTRIES_REJECTED = "entries_rejected"
