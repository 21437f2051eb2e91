"""Webhooks as a user meets them: settings, commands, the flows that deliver, and what a message says."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from receiver import SECRET, Receiver, Reply, VirtualClock, webhooks_file
from sqlalchemy import func, select

from core.database import Database
from core.deliver.post import is_public
from core.deliver.subscribers import subscribers_of
from core.errors import UsageError
from core.kinds import ChangeKind, Entity
from core.records import Change
from core.replay import Upstream
from core.rules.changes import FeedChange
from core.rules.deliveries import message as messages
from core.schema import changes
from core.settings import Settings
from core.upsert.rows import write_changes
from core.views import changes_in_words
from flows import __main__ as commands
from flows import deliver_changes, poll_results, refresh_statuses, sync_schedule

NOW = datetime(2024, 7, 28, 12, tzinfo=UTC)
OVER = datetime(2024, 7, 28, 18, tzinfo=UTC)
SPA = "2024-belgian-grand-prix"
DOCUMENT = Path(__file__).parents[1] / "docs" / "webhooks.md"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    found = VirtualClock(NOW)
    found.of_receivers(monkeypatch)
    monkeypatch.setattr("flows.runtime.clock.present", found.present)
    return found


@pytest.fixture
def scores(receiver: Receiver, environment: pytest.MonkeyPatch, tmp_path: Path, clock: VirtualClock) -> Receiver:
    """The receiver of the only webhook, which is named scores."""
    write_file(environment, tmp_path, webhooks_file(("scores", receiver.url)))
    return receiver


def write_file(environment: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "webhooks.toml").write_text(text)
    environment.setenv("F1_WEBHOOKS_FILE", str(folder / "webhooks.toml"))


def happen(database: Database, number: int) -> None:
    database.ensure_schema()
    made = [
        Change(entity=Entity.EVENT, entity_id=f"2024-{n}", kind=ChangeKind.ADDED, before=None, after={})
        for n in range(number)
    ]
    with database.writing() as connection:
        write_changes(connection, made, NOW, None)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return re.sub(r" +", " ", capsys.readouterr().out)


def test_the_flows_deliver_what_they_change(
    scores: Receiver, replay: Upstream, database: Database, clock: VirtualClock
) -> None:
    """Each flow at its end; the signature is checked by the specification's library, at the moment of sending."""
    assert deliver_changes.deliver_changes.fn(now=NOW)[0].received == 0
    sync_schedule.sync_schedule.fn(season=2024, now=NOW)
    clock.moment = OVER
    replay.as_of = OVER
    refresh_statuses.refresh_statuses.fn(now=OVER)
    poll_results.poll_results.fn(event=SPA, now=OVER)
    with database.reading() as connection:
        assert scores.ids == list(connection.scalars(select(changes.c.id).order_by(changes.c.id)))
    listed = {change["id"]: change for _, body in scores.messages for change in body["data"]["changes"]}.values()
    (race,) = [one for one in listed if (one["entity_id"], one["kind"]) == (f"{SPA}/race", "results_official")]
    assert race["words"] == (
        "Belgian Grand Prix 2024, Race: official results: 1 Lewis Hamilton, 2 Oscar Piastri, 3 Charles Leclerc"
    )
    assert race["event"] == {"id": SPA, "name": "Belgian Grand Prix", "round": 14}
    assert race["session"] == {"id": f"{SPA}/race", "kind": "race", "name": "Race"}
    assert race["season"] == 2024
    assert race["leaders"][0] == {
        "position": 1,
        "car_number": "44",
        "driver_id": "hamilton",
        "driver": "Lewis Hamilton",
        "team_id": "mercedes",
        "team": "Mercedes",
    }
    assert (race["before"]["revision"], race["after"]["revision"]) == (0, 1)
    assert {
        "Belgian Grand Prix 2024: added: round 14, Fri 26 Jul to Sun 28 Jul",
        "Belgian Grand Prix 2024, Race: scheduled → completed",
        "2024 season: standings after Belgian Grand Prix",
    } <= {one["words"] for one in listed}
    with database.reading() as connection:
        in_words = connection.execute(select(changes_in_words)).all()
    assert {one["id"]: one["words"] for one in listed} == {row.id: f"{row.subject}: {row.words}" for row in in_words}


def test_a_flow_that_cannot_deliver_still_stores_its_changes(
    scores: Receiver,
    replay: Upstream,
    sqlite: Database,
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_file(environment, tmp_path, "[[webhooks]]\nname = 'scores'")
    assert sync_schedule.sync_schedule.fn(season=2024, now=NOW)[0].changes
    assert [record.getMessage() for record in caplog.records if "webhooks:" in record.getMessage()] == [
        f"webhooks: {tmp_path}/webhooks.toml: webhook 1: url Field required"
    ]
    with pytest.raises(UsageError):
        deliver_changes.deliver_changes.fn(now=NOW)


def test_without_a_webhook_nothing_is_written(sqlite: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert deliver_changes.main(["--now", NOW.isoformat()]) == 0
    assert commands.main(["webhooks"]) == 0
    assert said(capsys).splitlines() == ["no webhook is set: F1_WEBHOOK_URL or F1_WEBHOOKS_FILE"] * 2


def test_the_list_shows_lag_and_last_error(
    scores: Receiver, sqlite: Database, clock: VirtualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(sqlite, 1)
    assert commands.main(["webhooks", "list"]) == 0
    assert "new: begins with the next run" in said(capsys)
    assert deliver_changes.main(["--now", NOW.isoformat()]) == 0
    happen(sqlite, 2)
    scores.replies = [Reply(500, body=b"no room")]
    assert deliver_changes.main(["--now", NOW.isoformat()]) == 0
    assert said(capsys).splitlines()[-1] == "1 webhook: 0 changes delivered, 1 webhook behind"
    assert commands.main(["webhooks"]) == 0
    shown = said(capsys)
    host = scores.url.rpartition("/")[0]
    assert f"scores {host} all again in 5 s 2 1 500 Internal Server Error (no room)" in shown
    assert "hook?of" not in shown, "a path may be a secret"


def test_a_test_message_resumes_a_paused_webhook(
    scores: Receiver, sqlite: Database, clock: VirtualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(sqlite, 1)
    deliver_changes.deliver_changes.fn(now=NOW)
    happen(sqlite, 1)
    scores.replies = [Reply(410), Reply(500)]
    deliver_changes.deliver_changes.fn(now=NOW)
    assert commands.main(["webhooks"]) == 0
    assert "paused" in said(capsys)
    assert commands.main(["webhooks", "test", "scores"]) == 1
    assert "error: scores: 500 Internal Server Error" in capsys.readouterr().err
    assert commands.main(["webhooks", "test", "scores"]) == 0
    assert said(capsys).strip() == "scores: the test message was received (204)"
    assert scores.messages[-1][1] == {
        "type": "f1.test",
        "timestamp": "2024-07-28T12:00:00Z",
        "data": {"words": "A test of this webhook: its address and its signature are right."},
    }
    (delivered,) = deliver_changes.deliver_changes.fn(now=NOW)
    assert delivered.received == 1


def test_a_replay_sends_the_feed_again_from_a_change_on(
    scores: Receiver, sqlite: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    happen(sqlite, 5)
    assert commands.main(["webhooks", "replay", "scores", "--from", "3"]) == 0
    assert said(capsys).strip() == "webhook scores: 3 changes delivered"
    assert commands.main(["webhooks", "replay", "scores", "--from", "5"]) == 0
    assert scores.ids == [3, 4, 5, 5]
    for wrong in ("0", "6"):
        assert commands.main(["webhooks", "replay", "scores", "--from", wrong]) == 2
    assert commands.main(["webhooks", "replay", "scorers", "--from", "1"]) == 2
    assert "there is no webhook scorers; there are: scores" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("F1_WEBHOOK_URL", "example.com/hook", "F1_WEBHOOK_URL is not a URL"),
        ("F1_WEBHOOK_URL", "ftp://example.com/", "F1_WEBHOOK_URL is not a URL"),
        ("F1_WEBHOOK_URL", "https://example.com/a b", "F1_WEBHOOK_URL is not a URL"),
        ("F1_WEBHOOK_URL", "https://user:hidden-word@example.com/", "F1_WEBHOOK_URL has a user, a password"),
        ("F1_WEBHOOK_SECRET", "hidden-word", "F1_WEBHOOK_SECRET: secret must be 24 to 64 bytes in Base64"),
        ("F1_WEBHOOK_SECRET", "whsec_" + "AAAA" * 7, "F1_WEBHOOK_SECRET: secret must be 24 to 64 bytes"),
        ("F1_WEBHOOK_SECRET", "", "F1_WEBHOOK_SECRET is not"),
    ],
)
def test_a_wrong_setting_is_named_and_its_secret_is_not(
    name: str, value: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as environment:
        environment.setenv("F1_WEBHOOK_URL", "https://example.com/hidden-word")
        environment.setenv("F1_WEBHOOK_SECRET", SECRET)
        environment.setenv(name, value)
        with pytest.raises(UsageError, match=re.escape(complaint)) as raised:
            subscribers_of(Settings.load())
    assert "hidden-word" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[webhooks", "is not TOML"),
        ("url = 'https://example.com'", "may contain only [[webhooks]]"),
        (webhooks_file(("a b", "https://example.com/")), "webhook 1: name"),
        (webhooks_file(("a", "https://example.com/"), more="kinds = ['moved']"), "webhook 1: kinds.0"),
        (webhooks_file(("a", "https://example.com/"), more="kinds = []"), "webhook 1: kinds"),
        (webhooks_file(("a", "https://example.com/"), more="kind = 'moved'"), "webhook 1: kind"),
        (webhooks_file(("a", "https://a.example/"), ("a", "https://b.example/")), "two webhooks have the name a"),
    ],
)
def test_a_wrong_file_is_wrong_usage(
    text: str, complaint: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_file(environment, tmp_path, text)
    with pytest.raises(UsageError, match=re.escape(complaint)) as raised:
        subscribers_of(Settings.load())
    assert SECRET not in str(raised.value)


def test_a_missing_webhooks_file_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("F1_WEBHOOKS_FILE", "nowhere.toml")
    with pytest.raises(UsageError, match=r"nowhere\.toml cannot be read: No such file"):
        subscribers_of(Settings.load())


def test_config_hides_url_and_secret(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("F1_WEBHOOK_URL", "https://example.com/hidden-word")
    environment.setenv("F1_WEBHOOK_SECRET", SECRET)
    assert commands.main(["config"]) == 0
    shown = said(capsys)
    assert "F1_WEBHOOK_URL *** environment" in shown
    assert "hidden-word" not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d70e", True),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert ip_address(address.partition("%")[0])
    assert is_public(address) == public


def test_the_document_names_every_field_of_a_message() -> None:
    text = DOCUMENT.read_text()
    table = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert table == set(messages.DescribedChange.model_fields)
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert messages.Message.model_validate_json(example).model_dump(mode="json") == json.loads(example)
    assert {f"{limit:,}" for limit in (messages.CHANGES_AT_MOST,)} <= set(re.findall(r"[\d,]+", text))


def test_a_long_change_is_sent_on_its_own() -> None:
    def listed(number: int, length: int) -> messages.DescribedChange:
        change = FeedChange(
            id=number,
            at=NOW,
            entity=Entity.SEASON,
            entity_id="2024",
            kind=ChangeKind.STANDINGS,
            before=None,
            after={"differences": ["x" * length]},
            event_id=None,
            session_id=None,
            subject="2024 season",
            words="x" * length,
        )
        return messages.described(change, 2024, None, None, ())

    found = [listed(1, 90_000), listed(2, 90_000), listed(3, 10), listed(4, 10)]
    assert [one.id for one in messages.message_of(found).data.changes] == [1]
    assert [one.id for one in messages.message_of(found[2:]).data.changes] == [3, 4]


def test_pending_changes_are_delivered_by_the_next_run(scores: Receiver, sqlite: Database, clock: VirtualClock) -> None:
    happen(sqlite, 1)
    deliver_changes.deliver_changes.fn(now=NOW)
    happen(sqlite, 3)
    scores.replies = [Reply(500)]
    deliver_changes.deliver_changes.fn(now=NOW)
    clock.moment = NOW + timedelta(minutes=5)
    deliver_changes.deliver_changes.fn(now=clock.moment)
    with sqlite.reading() as connection:
        assert connection.scalar(select(func.max(changes.c.id))) == scores.ids[-1] == 4
    assert scores.ids == [2, 3, 4] * 2
