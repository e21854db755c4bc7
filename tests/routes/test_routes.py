"""The routing table: data when it is right, every fault at once when it is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.consumer import Consumer
from app.consumers.example import ExampleConsumer
from app.errors import RoutesInvalid
from app.routes import Backoff, DeadLetter, Keyed, Routes
from app.routes.loading import draw_table, load_table
from app.settings import Settings


def settings(**changes: object) -> Settings:
    return Settings.model_validate({"kafka_bootstrap_servers": "127.0.0.1:1", **changes})


def test_the_shipped_table_routes_the_example() -> None:
    (line,) = load_table(settings()).subscriptions
    assert (line.topic, line.consumer, line.group) == ("example", ExampleConsumer, "demijohn")


def test_group_defaults_hold_for_its_lines_and_lines_win() -> None:
    def draw(routes: Routes) -> None:
        routes.defaults(max_messages=7)
        with routes.group("reports", initial_offset="latest") as group:
            group.topic("a", ExampleConsumer)
            group.topic("b", ExampleConsumer, max_messages=9)

    first, second = draw_table(draw, settings()).subscriptions
    assert (first.group, first.max_messages, first.initial_offset) == ("reports", 7, "latest")
    assert second.max_messages == 9


def test_every_fault_is_reported_at_once_with_its_place() -> None:
    def draw(routes: Routes) -> None:
        routes.topic("a b", int)
        routes.topic("x", ExampleConsumer, max_mesages=3)
        routes.topic("x", ExampleConsumer, max_messages=0, dead_letter=DeadLetter("x"))
        routes.pattern("(", ExampleConsumer)

    with pytest.raises(RoutesInvalid) as caught:
        draw_table(draw, settings())
    text = str(caught.value)
    for expected in ("a topic name", "not a subclass", "did you mean max_messages", "own DLQ", "drawn twice"):
        assert expected in text
    assert any(fault.path == "demijohn.x.max_messages" for fault in caught.value.faults)


def test_transactional_dead_letters_need_the_prefix_and_the_fault_names_it() -> None:
    def draw(routes: Routes) -> None:
        routes.topic("a", ExampleConsumer, dead_letter=DeadLetter("a.dlq", transactional=True))

    with pytest.raises(RoutesInvalid, match=r"transactional: needs PRODUCER_TRANSACTIONAL_ID_PREFIX"):
        draw_table(draw, settings())
    (line,) = draw_table(draw, settings(producer_transactional_id_prefix="app")).subscriptions
    assert line.dead_letter == DeadLetter("a.dlq", transactional=True)


def test_patterns_take_whole_names_and_never_internal_topics_nor_dead_letters() -> None:
    def draw(routes: Routes) -> None:
        routes.pattern(r"user_.*", ExampleConsumer, name="users", dead_letter=DeadLetter("user_dlq"))
        routes.topic("user_vip", ExampleConsumer, max_messages=1)

    table = draw_table(draw, settings())
    existing = ["user_a", "user_dlq", "xuser_b", "__user_c", "user_vip"]
    resolved = table.groups[0].resolve(existing, table.dead_letter_topics())
    assert sorted(resolved) == ["user_a", "user_vip"]
    assert resolved["user_vip"].max_messages == 1


def test_the_pause_doubles_with_each_attempt_up_to_its_limit() -> None:
    assert [Backoff().delay_ms(attempt) for attempt in range(1, 7)] == [2000, 4000, 8000, 16000, 30000, 30000]
    assert Backoff(exponential=False).delay_ms(5) == 1000


def test_hooks_may_be_plain_functions_and_must_not_yield() -> None:
    class Plain(Consumer):
        def consume(self) -> None:
            return

    class Yielding(Consumer):
        async def consume(self) -> None:
            return

        async def shutdown(self) -> AsyncIterator[int]:  # type: ignore[override]  # the mistake under test
            yield 1

    def draw(routes: Routes) -> None:
        routes.topic("plain", Plain)
        routes.topic("yielding", Yielding)

    with pytest.raises(RoutesInvalid) as caught:
        draw_table(draw, settings())
    assert [str(fault) for fault in caught.value.faults] == [
        "demijohn.yielding: Yielding.shutdown must be `async def` or `def`, without yield"
    ]


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"keyed": Keyed(workers=0)}, "demijohn.t.keyed.workers: must be a whole number of at least 1"),
        ({"keyed": Keyed(by="id")}, 'demijohn.t.keyed.by: must be "key" or a callable that takes a message'),  # type: ignore[arg-type]  # the mistake under test
        ({"keyed": 4}, 'demijohn.t.keyed: must be a Keyed(by="key", workers=…) or None, not 4'),
        (
            {"dead_letter": DeadLetter("t.dlq", strategy=3)},  # type: ignore[arg-type]  # the mistake under test
            "demijohn.t.dead_letter.strategy: must be a callable that takes errors, attempt and message, or None",
        ),
    ],
)
def test_an_option_that_cannot_be_meant_is_a_fault_with_its_place(options: dict[str, object], fault: str) -> None:
    with pytest.raises(RoutesInvalid) as caught:
        draw_table(lambda routes: routes.topic("t", ExampleConsumer, **options), settings())
    assert [str(found) for found in caught.value.faults] == [fault]


def test_dead_letters_must_not_come_back_over_other_dlqs() -> None:
    def draw(routes: Routes) -> None:
        routes.topic("a", ExampleConsumer, dead_letter=DeadLetter("b"))
        routes.topic("b", ExampleConsumer, dead_letter=DeadLetter("c"))
        routes.topic("c", ExampleConsumer, dead_letter=DeadLetter("b"))
        routes.topic("d", ExampleConsumer, dead_letter=DeadLetter("a"))

    with pytest.raises(RoutesInvalid) as caught:
        draw_table(draw, settings())
    assert [str(fault) for fault in caught.value.faults] == [
        "demijohn.b.dead_letter: comes back over c: its messages would go round",
        "demijohn.c.dead_letter: comes back over b: its messages would go round",
    ]


def test_two_patterns_of_a_group_have_two_names() -> None:
    def draw(routes: Routes) -> None:
        routes.pattern("a.*", ExampleConsumer, name="both")
        routes.pattern("b.*", ExampleConsumer, name="both")

    with pytest.raises(RoutesInvalid, match="the name 'both' is taken in group 'demijohn'"):
        draw_table(draw, settings())


def test_an_error_while_drawing_is_a_fault_with_its_line() -> None:
    def draw(routes: Routes) -> None:
        routes.topic("a", ExampleConsumer, dead_letter=DeadLetter("a.dlq", retries=3))  # type: ignore[call-arg]

    with pytest.raises(RoutesInvalid) as caught:
        draw_table(draw, settings())
    (fault,) = caught.value.faults
    assert fault.path.startswith(__file__)
    assert "unexpected keyword argument 'retries'" in fault.message
