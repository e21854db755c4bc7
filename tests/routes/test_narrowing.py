"""A process may run some lines of the table only; what it leaves out is still the table's."""

from __future__ import annotations

import pytest

from app.consumer import Consumer
from app.errors import RoutesInvalid
from app.routes import DeadLetter, Routes
from app.routes.loading import draw_table
from app.routes.narrowing import Selection, narrowed
from app.routes.table import RoutingTable
from tests.conftest import make_settings


class Any(Consumer):
    async def consume(self) -> None:
        return


@pytest.fixture
def table() -> RoutingTable:
    def draw(routes: Routes) -> None:
        routes.topic("orders", Any, dead_letter=DeadLetter("user_orders.dlq"))
        routes.topic("payments", Any)
        with routes.group("reports") as group:
            group.pattern("user_.*", Any, name="users")

    return draw_table(draw, make_settings("kafka:9092"))


def active(table: RoutingTable) -> list[str]:
    return [line.name for line in table.subscriptions if line.active]


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (Selection(), ["orders", "payments", "users"]),
        (Selection(include_topics=("pay*",)), ["payments"]),
        (Selection(exclude_topics=("orders", "users")), ["payments"]),
        (Selection(include_groups=("reports",)), ["users"]),
        (Selection(exclude_groups=("reports",), exclude_topics=("orders",)), ["payments"]),
        (Selection(include_topics=("orders", "users"), exclude_topics=("orders",)), ["users"]),
    ],
)
def test_lines_are_selected(table: RoutingTable, selection: Selection, left: list[str]) -> None:
    assert active(narrowed(table, selection)) == left


def test_a_pattern_still_takes_no_dlq_of_a_line_that_does_not_run(table: RoutingTable) -> None:
    part = narrowed(table, Selection(include_groups=("reports",)))
    (group,) = (group for group in part.groups if group.active)
    assert set(group.resolve(["user_orders.dlq", "user_eu"], part.dead_letter_topics())) == {"user_eu"}


def test_a_name_that_is_no_line_is_refused_with_those_that_are(table: RoutingTable) -> None:
    with pytest.raises(RoutesInvalid) as raised:
        narrowed(table, Selection(include_topics=("oders",), exclude_groups=("repots",)))
    assert [fault.path for fault in raised.value.faults] == ["--include-topics", "--exclude-groups"]
    assert "orders, payments, users" in raised.value.faults[0].message


def test_nothing_left_is_refused(table: RoutingTable) -> None:
    with pytest.raises(RoutesInvalid, match="no line is left"):
        narrowed(table, Selection(include_topics=("orders",), exclude_groups=("demijohn",)))
