"""Single calls are told of one by one, and under load as one."""

from __future__ import annotations

from app.api.announcer import EACH_PER_S, Announcer
from app.events import LoopLagMeasured, MessageProducedAsync, MessagesProducedAsync
from tests.fakes import Heard


def test_the_first_in_a_second_are_told_of_one_by_one_and_the_others_together() -> None:
    heard = Heard(MessageProducedAsync, MessagesProducedAsync)
    announcer = Announcer("demijohn-1", heard.monitor)
    for _ in range(EACH_PER_S + 30):
        announcer.queued("busy")
    announcer.queued("quiet")
    assert [event.topic for event in heard.of(MessageProducedAsync)] == ["busy"] * EACH_PER_S + ["quiet"]
    heard.monitor.emit(LoopLagMeasured(0.0))
    assert [(event.messages, event.topics) for event in heard.of(MessagesProducedAsync)] == [(30, 1)]
    heard.monitor.emit(LoopLagMeasured(0.0))
    announcer.queued("busy")
    assert len(heard.of(MessagesProducedAsync)) == 1
    assert heard.of(MessageProducedAsync)[-1].topic == "busy"
