"""Which topics nobody changes from the dashboard, and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.api.problems import Refusal
from app.consumer import Consumer
from app.dashboard.topic_protection import TopicProtection
from app.routes.loading import draw_table
from app.routes.routes import Routes
from app.routes.table import DeadLetter
from tests.conftest import make_settings


class SomeConsumer(Consumer):
    async def consume(self) -> None:
        raise NotImplementedError


def draw(routes: Routes) -> None:
    routes.topic("orders", SomeConsumer, dead_letter=DeadLetter("orders.dlq"))
    routes.pattern(r"user_.*", SomeConsumer, name="users")


PROTECTION = TopicProtection(draw_table(draw, make_settings("kafka:9092")), "async.dlq")
KINDS = {
    "__consumer_offsets": ("internal_topic", "internal_topic", "internal_topic"),
    "demijohn_states": ("topic_forbidden", "topic_forbidden", "topic_forbidden"),
    "orders": (None, None, "conflict"),
    "orders.dlq": (None, "topic_forbidden", "conflict"),
    "async.dlq": (None, "topic_forbidden", "conflict"),
    "user_1": (None, None, None),
    "other": (None, None, None),
}


@pytest.mark.parametrize("topic", KINDS)
def test_each_kind_of_topic_is_protected_as_it_needs(topic: str) -> None:
    checks = (PROTECTION.check_writable, PROTECTION.check_producible, PROTECTION.check_deletable)
    assert tuple(code_of(check, topic) for check in checks) == KINDS[topic]


def code_of(check: Callable[[str], None], topic: str) -> str | None:
    try:
        check(topic)
    except Refusal as refusal:
        return refusal.code
    return None
