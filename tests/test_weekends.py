"""Sessions of a weekend that change their kind or their name."""

from __future__ import annotations

from calendars import BAKU, SHOOTOUT, SPRINT_2022, SPRINT_2024, Life, all_of, at, listed

from core.kinds import Entity, EventFormat, HeldKind, Status


def test_sprint_shootout_2024_renamed_keeps_its_id(life: Life) -> None:
    before = listed("Chinese Grand Prix", "2024-04-21T15:00", labels=SHOOTOUT, form=EventFormat.SPRINT_SHOOTOUT)
    after = listed("Chinese Grand Prix", "2024-04-21T15:00", labels=SPRINT_2024, form=EventFormat.SPRINT_QUALIFYING)
    life.sync(at("2024-02-01"), before)
    identity = "2024-chinese-grand-prix"
    happened = life.sync(at("2024-03-12"), after)
    assert happened == {(identity, "format_changed"), (f"{identity}/sprint_qualifying", "renamed")}
    assert life.session(f"{identity}/sprint_qualifying").name == "Sprint Qualifying"


BAKU_ID = "2023-azerbaijan-grand-prix"
BAKU_BEFORE = listed("Azerbaijan Grand Prix", "2023-04-30T15:00", BAKU, labels=SPRINT_2022, form=EventFormat.SPRINT)
BAKU_AFTER = listed(
    "Azerbaijan Grand Prix",
    "2023-04-30T15:00",
    BAKU,
    labels=SHOOTOUT,
    form=EventFormat.SPRINT_SHOOTOUT,
    moved={s.name: s.wall_time.isoformat() for s in BAKU_BEFORE.sessions if s.wall_time and s.name in SHOOTOUT},
)


def test_baku_2023_cancels_practice_and_adds_the_shootout_once_the_slot_is_filled(life: Life) -> None:
    blank = BAKU_BEFORE.model_copy(
        update={"sessions": tuple(s for s in BAKU_BEFORE.sessions if s.name != "Practice 2")}
    )
    life.sync(at("2023-02-21"), BAKU_BEFORE)
    assert life.sync(at("2023-04-25T18:28"), blank) == set()
    assert life.session(f"{BAKU_ID}/practice_2").status is Status.SCHEDULED
    assert life.sync(at("2023-04-25T20:48"), BAKU_AFTER) == {
        (BAKU_ID, "format_changed"),
        (f"{BAKU_ID}/practice_2", "cancelled"),
        (f"{BAKU_ID}/sprint_qualifying", "added"),
    }
    assert not life.calendar.held


def test_baku_2023_reinstates_practice_if_the_format_is_changed_back(life: Life) -> None:
    """The slot holds its earlier session again: one is cancelled and the other reinstated in the same sync."""
    life.sync(at("2023-02-21"), BAKU_BEFORE)
    life.sync(at("2023-04-25T20:48"), BAKU_AFTER)
    assert life.sync(at("2023-04-26T20:48"), BAKU_BEFORE) == {
        (BAKU_ID, "format_changed"),
        (f"{BAKU_ID}/practice_2", "reinstated"),
        (f"{BAKU_ID}/sprint_qualifying", "cancelled"),
    }


def test_a_session_of_an_unknown_kind_is_held_and_reported(life: Life) -> None:
    strange = listed("Bahrain Grand Prix", "2026-04-12T18:00", unknown=("Sprint Relay",))
    identity = "2026-bahrain-grand-prix"
    happened = life.sync(at("2026-01-01"), strange)
    assert happened == all_of(identity, "added")
    assert "Bahrain Grand Prix: left out a session of a kind this version does not know: Sprint Relay" in life.notes
    [answer] = life.calendar.held.values()
    assert (answer.entity, answer.entity_id, answer.kind) == (Entity.EVENT, identity, HeldKind.UNKNOWN_SESSION)
    assert answer.payload == {"labels": ["Sprint Relay"]}
    assert life.sync(at("2026-02-01"), strange) == set(), "it stays held, however much time passes"
    assert [answer.times_seen for answer in life.calendar.held.values()] == [2]
    life.sync(at("2026-02-02"), listed("Bahrain Grand Prix", "2026-04-12T18:00"))
    assert not life.calendar.held
