"""The gates of what happened on track, each from a fault that users of live timing, or of FastF1, reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from core.kinds import ResultsState, SessionKind, Source, Status
from core.records import Entry, Session
from core.rules.timing.evidence import Evidence
from core.rules.timing.laps import better_laps, examine_laps
from core.rules.timing.pit_stops import examine_pit_stops
from core.rules.timing.race_control import examine_race_control
from core.rules.timing.stints import examine_stints
from core.rules.timing.weather import examine_weather
from core.timing_records import PitStop, RaceControlMessage, Stint, TimedLap, Weather

START = datetime(2024, 3, 2, 15, tzinfo=UTC)
LAP_MS = 90_000
LAPS = 5


def session_of(kind: SessionKind) -> Session:
    return Session(
        id=f"2024-bahrain-grand-prix/{kind.value}",
        event_id="2024-bahrain-grand-prix",
        kind=kind,
        name=kind.value,
        local_date=START.date(),
        starts_at=START,
        ends_at=START + timedelta(hours=2),
        utc_offset_minutes=180,
        status=Status.COMPLETED,
        results_state=ResultsState.OFFICIAL,
        source=Source.FASTF1,
    )


RACE, QUALIFYING = session_of(SessionKind.RACE), session_of(SessionKind.QUALIFYING)


def car(number: str, gap_ms: int = 0, count: int = LAPS, **of_last: object) -> list[TimedLap]:
    """A car's laps, even but for its first, which ends so far behind; `of_last` replaces fields of the last."""
    laps = [
        TimedLap(
            car_number=number,
            lap=lap,
            time_ms=None if lap == 1 else LAP_MS + int(number),
            sector_1_ms=None if lap == 1 else 30_000,
            sector_2_ms=30_000,
            sector_3_ms=30_000 + int(number),
            ended_ms=gap_ms + lap * (LAP_MS + int(number)),
            timed_ms=gap_ms + lap * (LAP_MS + int(number)),
            is_accurate=True,
            source=Source.LIVETIMING,
        )
        for lap in range(1, count + 1)
    ]
    return [*laps[:-1], laps[-1].model_copy(update=of_last)]


def entry(number: str, laps: int = LAPS, gap_ms: int | None = None, position: int | None = 1, **other: str) -> Entry:
    return Entry(car_number=number, laps=laps, gap_ms=gap_ms, position=position, source=Source.JOLPICA, **other)


def refusal(rows: Sequence[TimedLap], *entries: Entry, session: Session = RACE) -> str | None:
    return examine_laps(rows, Evidence(session, entries)).refused


def test_valid_laps_pass_unchanged_and_get_their_drivers() -> None:
    rows = [*car("1"), *car("2", 3_000)]
    examined = examine_laps(rows, Evidence(RACE, [entry("1"), entry("2", gap_ms=3_005)], {"1": "max_verstappen"}))
    assert (examined.refused, examined.notes) == (None, ())
    assert [lap.model_copy(update={"driver_id": None}) for lap in examined.rows] == rows
    assert {lap.driver_id for lap in examined.rows} == {"max_verstappen", None}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (car("1")[1:], "car 1: lap 1 is missing"),
        ([*car("1")[:2], *car("1")[3:]], "car 1: lap 3 is missing"),
        ([*car("1")[:3], *car("1")[2:]], "car 1: lap 3 is listed twice"),
        (car("1", count=4), "car 1: 4 of 5 laps"),
        ([], "car 1: 0 of 5 laps"),
        (car("1", is_unfinished=True), "car 1: 4 of 5 laps"),
    ],
    ids=[
        "without_the_first",
        "with_a_hole",
        "with_a_lap_twice",
        "one_short",
        "without_the_car",
        "the_last_is_generated",
    ],
)
def test_laps_are_rejected_if_one_is_missing(rows: list[TimedLap], reason: str) -> None:
    assert refusal(rows, entry("1")) == reason


def test_a_retirement_may_end_with_one_more_lap_without_a_time() -> None:
    rows = car("1", time_ms=None, sector_1_ms=None, ended_ms=None, is_unfinished=True)
    assert refusal(rows, entry("1", laps=4, position=None)) is None
    assert refusal([*rows, *car("1")[:1]], entry("1", laps=4)) is not None


def test_a_car_that_did_not_start_has_no_lap() -> None:
    generated = car("2", count=1, is_unfinished=True, ended_ms=None)
    withdrawn = entry("2", laps=0, position=None, classification="W")
    assert {
        lap.car_number for lap in examine_laps([*car("1"), *generated], Evidence(RACE, [entry("1"), withdrawn])).rows
    } == {"1"}
    retired = withdrawn.model_copy(update={"classification": "R"})
    assert len(examine_laps([*car("1"), *generated], Evidence(RACE, [entry("1"), retired])).rows) == LAPS + 1


def test_a_first_lap_of_a_race_has_no_time_in_the_archive() -> None:
    first = car("1")[0].model_copy(update={"time_ms": 100_000})
    examined = examine_laps([first, *car("1")[1:]], Evidence(RACE))
    assert examined.rows[0].time_ms is None
    assert examined.notes == ("1 lap: a first lap has no time in the archive",)
    assert examine_laps([first], Evidence(QUALIFYING)).rows[0].time_ms == 100_000


@pytest.mark.parametrize(("off", "kept"), [(0, True), (2, True), (-2, True), (3, False), (2_013, False)])
def test_sectors_that_are_not_the_laps_time_within_two_milliseconds_are_emptied(off: int, kept: bool) -> None:
    last = examine_laps(car("1", sector_2_ms=30_000 + off), Evidence(RACE)).rows[-1]
    assert last.time_ms == LAP_MS + 1
    assert (last.sector_1_ms is not None, last.sector_3_ms is not None, last.is_accurate) == (kept, kept, kept)


def test_three_consecutive_lap_times_of_another_car_are_rejected() -> None:
    def timed(number: str, until: int) -> list[TimedLap]:
        return [
            lap.model_copy(update={"time_ms": 80_000 + lap.lap}) if 1 < lap.lap <= until else lap for lap in car(number)
        ]

    assert refusal([*timed("1", 5), *timed("2", 3)]) is None, "two of them happen"
    assert refusal([*timed("1", 5), *timed("2", 4)]) == "cars 1 and 2 have the same times on laps 2 to 4"


def test_a_repeated_time_that_the_clock_contradicts_is_emptied() -> None:
    rows = car("1", timed_ms=5 * (LAP_MS + 1) + 4_000)
    examined = examine_laps(rows, Evidence(RACE))
    assert [lap.time_ms for lap in examined.rows[3:]] == [LAP_MS + 1, None]
    assert examined.notes == ("1 lap: the time of the lap before, which the clock contradicts",)
    assert examine_laps(car("1", timed_ms=5 * (LAP_MS + 1) + 900), Evidence(RACE)).rows[-1].time_ms == LAP_MS + 1
    unlike = car("1", timed_ms=rows[-1].timed_ms, time_ms=LAP_MS + 500, sector_3_ms=30_500)
    assert examine_laps(unlike, Evidence(RACE)).rows[-1].time_ms == LAP_MS + 500, "no repeated time"
    without_clock = car("1", timed_ms=None, sector_3_ms=34_000)
    assert examine_laps(without_clock, Evidence(RACE)).rows[-1].time_ms is None, "by its sectors"


@pytest.mark.parametrize(
    ("gap_ms", "reason"),
    [
        (3_005, None),
        (3_505, None),
        (2_505, None),
        (8_005, None),
        (13_200, None),
        (3_600, "car 2: 3.005 s behind at the flag, 3.600 s in the result"),
        (1_000, "car 2: 3.005 s behind at the flag, 1.000 s in the result"),
    ],
    ids=["equal", "half_more", "half_less", "with_five_seconds", "with_ten", "too_much_more", "too_much_less"],
)
def test_a_finishers_measured_gap_must_equal_the_results_give_or_take_a_penalty(
    gap_ms: int, reason: str | None
) -> None:
    rows = [*car("1"), *car("2", 3_000)]
    assert refusal(rows, entry("1", gap_ms=0), entry("2", gap_ms=gap_ms, position=2)) == reason
    assert refusal(rows, entry("1", gap_ms=0), entry("2", gap_ms=gap_ms, position=2), session=QUALIFYING) is None


def test_a_falling_gap_is_an_error_of_the_result_not_of_the_laps() -> None:
    rows = [*car("1"), *car("2", 3_000), *car("3", 5_000)]
    listed = [entry("1", gap_ms=0), entry("2", gap_ms=3_005, position=2), entry("3", gap_ms=2_005, position=3)]
    assert refusal(rows, *listed) is None


def test_a_lapped_car_has_no_gap_to_compare() -> None:
    rows = [*car("1"), *car("2", 3_000, count=4)]
    assert refusal(rows, entry("1", gap_ms=0), entry("2", laps=4, gap_ms=1_000, position=2)) is None


def test_a_better_lap_is_never_overwritten_by_a_lesser_one() -> None:
    first = car("1")[0].model_copy(update={"time_ms": 95_000, "source": Source.JOLPICA})
    accepted, reason = better_laps(car("1"), [first, *car("1")[1:]])
    assert (accepted[0].time_ms, accepted[0].source, reason) == (95_000, Source.LIVETIMING, None)
    assert better_laps(car("1", count=4), car("1"))[1] == "car 1: 4 laps, but 5 are known"


def stint(number: int, first: int, last: int, compound: str | None = "HARD") -> Stint:
    return Stint(
        car_number="1", stint=number, lap_start=first, lap_end=last, compound=compound, source=Source.LIVETIMING
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([stint(1, 1, 2), stint(2, 3, 5)], None),
        ([stint(1, 1, 3), stint(2, 3, 5)], "car 1: stints 1 and 2 overlap"),
        ([stint(1, 4, 2)], "car 1: stint 1 ends before it starts"),
        ([stint(1, 1, 2), stint(2, 3, 3), stint(3, 4, 5)], "car 1: 3 stints with 1 pit entry"),
    ],
    ids=["sound", "overlapping", "backwards", "more_than_pit_entries"],
)
def test_stints_follow_each_other_and_each_begins_in_the_pits(rows: list[Stint], reason: str | None) -> None:
    laps = [lap.model_copy(update={"is_pit_in": lap.lap == 2}) for lap in car("1")]
    assert examine_stints(rows, Evidence(RACE, answers={"laps": laps})).refused == reason


def test_a_stint_without_a_compound_stays_and_is_counted() -> None:
    examined = examine_stints([stint(1, 1, 5, None)], Evidence(RACE))
    assert (examined.refused, examined.notes) == (None, ("1 stint: the compound is unknown",))


def test_a_stop_of_more_than_ten_minutes_is_a_red_flag_and_stays_without_its_duration() -> None:
    stops = [
        PitStop(car_number="1", stop=number, lap=number, lane_ms=lane, stationary_ms=2_100, source=Source.LIVETIMING)
        for number, lane in enumerate((21_000, 600_000, 600_001), start=1)
    ]
    examined = examine_pit_stops(stops, Evidence(RACE))
    assert [(stop.lane_ms, stop.stationary_ms) for stop in examined.rows] == [
        (21_000, 2_100),
        (600_000, 2_100),
        (None, None),
    ]
    assert examined.notes == ("1 stop during a red flag: duration removed",)


def test_impossible_weather_values_are_emptied() -> None:
    mexico = Weather(
        at=START, air_c=21.1, track_c=46.9, humidity_pct=21.7, pressure_hpa=784.0, wind_mps=0.4, wind_deg=17
    )
    failing = Weather(
        at=START, air_c=0.0, track_c=212.0, humidity_pct=101.0, pressure_hpa=0.0, wind_mps=-2.0, wind_deg=361
    )
    examined = examine_weather([mexico, failing], Evidence(RACE))
    assert examined.rows == [mexico, Weather(at=START, air_c=0.0)]
    assert "1 value of pressure_hpa: not possible" in examined.notes


def test_messages_of_another_session_are_rejected() -> None:
    def said(at: datetime) -> list[RaceControlMessage]:
        return [RaceControlMessage(ordinal=1, at=at, message="GREEN LIGHT - PIT EXIT OPEN")]

    assert examine_race_control(said(START), Evidence(RACE)).refused is None
    refused = examine_race_control(said(START - timedelta(days=1)), Evidence(RACE)).refused
    assert refused == "message 1 is dated Fri 01 Mar 2024 15:00 UTC"
