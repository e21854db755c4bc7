"""The checks of the status page: in order, each with a remedy where something is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.dashboard.status_checks import Check, loop_check, memory_check
from app.events import GroupStateChanged, LoopLagMeasured, PartitionsAssigned, RetryScheduled
from app.messages import TopicPartition
from tests.api.conftest import MakeService
from tests.api.service import Service
from tests.dashboard.test_instance_pages import get

ORDER = ["settings", "keys", "broker", "topics", "dead_letter_topics", "producer", "group:demijohn", "loop", "memory"]


async def checks(service: Service) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in (await get(service, "/dashboard/status"))["checks"]}


async def test_checks_come_in_order_and_say_what_to_do_where_something_is_wrong(service: Service) -> None:
    found = await checks(service)
    assert list(found) == [*ORDER, "fleet"]
    for check in found.values():
        assert set(check) == {"name", "title", "state", "detail", "remedy"}
        assert check["state"] in ("ok", "warn", "bad", "unknown")
        assert check["remedy"] or check["state"] in ("ok", "unknown")


async def test_a_service_in_order_is_ok_all_over(make_service: MakeService) -> None:
    service = make_service(topics={"example": 1, "example.dlq": 1})
    service.monitor.emit(GroupStateChanged("demijohn", "l", "stable"))
    service.monitor.emit(LoopLagMeasured(0.4))
    found = await checks(service)
    states = {name: check["state"] for name, check in found.items() if name not in ("memory", "fleet")}
    assert set(states.values()) == {"ok"}


async def test_kafka_away_is_bad_and_what_depends_on_it_is_told(service: Service) -> None:
    service.kafka.reachable = False
    found = await checks(service)
    assert (found["broker"]["state"], found["producer"]["state"]) == ("bad", "bad")
    assert "KAFKA_BOOTSTRAP_SERVERS" in found["broker"]["remedy"]
    assert found["topics"]["state"] == "unknown"


async def test_missing_topics_are_named_with_the_command_that_creates_them(make_service: MakeService) -> None:
    found = await checks(make_service(topics={"other": 1}))
    assert (found["topics"]["state"], found["dead_letter_topics"]["state"]) == ("warn", "bad")
    assert "kafka-topics --create --topic example.dlq" in found["dead_letter_topics"]["remedy"]


async def test_an_open_door_and_a_misspelled_setting_are_warned_of(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROT", "1")
    found = await checks(make_service(http_host="0.0.0.0"))
    assert (found["keys"]["state"], found["settings"]["state"]) == ("warn", "warn")
    assert "HTTP_PORT" in found["settings"]["detail"]


async def test_a_group_that_fails_or_retries_is_told(service: Service) -> None:
    service.monitor.emit(GroupStateChanged("demijohn", "l", "failed", "no right to read"))
    assert (await checks(service))["group:demijohn"]["state"] == "bad"
    service.monitor.emit(GroupStateChanged("demijohn", "l", "stable"))
    service.monitor.emit(PartitionsAssigned("demijohn", "l", frozenset({TopicPartition("example", 0)})))
    service.monitor.emit(RetryScheduled("demijohn", "j", "C", "example", 0, 1, 2, 100, datetime.now(UTC)))
    found = (await checks(service))["group:demijohn"]
    assert (found["state"], "example-0" in found["detail"]) == ("warn", True)


async def test_a_producer_that_reaches_no_kafka_is_told(make_service: MakeService) -> None:
    assert (await checks(make_service(producer_client="dropping")))["producer"]["state"] == "warn"


@pytest.mark.parametrize(
    ("check", "state"),
    [
        (loop_check(None), "unknown"),
        (loop_check(99), "ok"),
        (loop_check(100), "warn"),
        (loop_check(1000), "bad"),
        (memory_check(None, None), "unknown"),
        (memory_check(10**9, None), "ok"),
        (memory_check(74, 100), "ok"),
        (memory_check(75, 100), "warn"),
        (memory_check(90, 100), "bad"),
    ],
)
def test_bounds_of_loop_and_memory(check: Check, state: str) -> None:
    assert check.state == state
    assert (check.remedy is None) == (state in ("ok", "unknown"))
