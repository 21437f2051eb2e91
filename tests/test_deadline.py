"""A deadline ends every request that is made within it, whatever the server sends."""

from __future__ import annotations

import pytest
import requests
from trickling import PARTS, trickling
from waiting import HANGS, wait_for

from core.cutoff import Cutoff
from core.deadline import Deadline
from core.errors import SourceTimedOut
from core.fetch import schedule
from core.fetch.access import Access
from core.fetch.connections import cut_by
from core.fetch.session import SESSION
from core.kinds import Source
from core.settings import Settings


@pytest.mark.parametrize("part", PARTS)
def test_an_answer_that_trickles_ends_at_the_deadline(part: bytes, environment: pytest.MonkeyPatch) -> None:
    with trickling(part) as (url, ended):
        environment.setenv("F1_UPSTREAM_URL", url)
        with pytest.raises(SourceTimedOut):
            schedule.fetch_schedule(2024, Source.JOLPICA, Access(Settings.load(), Deadline(0.6)))
        assert ended.wait(HANGS)


def test_a_connection_that_is_added_too_late_ends_at_once() -> None:
    with trickling(PARTS[0]) as (url, ended), Cutoff(0.0) as cutoff:
        wait_for(lambda: cutoff.passed, "the time of the cutoff")
        with cut_by(cutoff), pytest.raises(requests.ConnectionError):
            SESSION.get_adapter(url).send(requests.Request("GET", url).prepare())
        assert ended.wait(HANGS)
