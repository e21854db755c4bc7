"""The steps of the service's life."""

from __future__ import annotations

import pytest

from app.events import ServiceStateChanged, State
from app.lifecycle import ORDER, Lifecycle
from tests.fakes import Heard


def test_each_step_is_announced_once() -> None:
    heard = Heard(ServiceStateChanged)
    life = Lifecycle(heard.monitor)
    for state in ORDER[1:]:
        assert life.advance(state)
        assert not life.advance(state)
    assert [event.state for event in heard.of(ServiceStateChanged)] == list(ORDER[1:])


@pytest.mark.parametrize(("first", "second"), [("quiet", "running"), ("stopping", "quieting"), ("stopped", "failed")])
def test_there_is_no_step_back(first: State, second: State) -> None:
    life = Lifecycle(Heard().monitor)
    life.advance(first)
    assert not life.advance(second)
    assert life.state == first


def test_it_may_fail_at_any_step_and_stays_failed() -> None:
    heard = Heard(ServiceStateChanged)
    life = Lifecycle(heard.monitor)
    life.advance("starting")
    assert life.advance("failed", "no broker to embed")
    assert not life.advance("running")
    assert [event.reason for event in heard.of(ServiceStateChanged)] == [None, "no broker to embed"]


def test_draining_begins_with_the_first_step_of_the_stop() -> None:
    life = Lifecycle(Heard().monitor)
    life.advance("running")
    assert not life.draining
    life.advance("quieting")
    assert life.draining
