"""What librdkafka answers to a change, and what is made of it."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from app.errors import AdminForbidden
from app.kafka.admin.calls import Asked
from app.kafka.admin.changing import alter_offsets
from app.messages import TopicPartition

AT = TopicPartition("payments", 0)


class Answering:
    """Stands for librdkafka's client: every partition is refused with the same code, the whole is a success."""

    def __init__(self, code: int) -> None:
        self._code = code

    def alter_consumer_group_offsets(self, _: Any, request_timeout: float) -> dict[str, Future[Any]]:
        refused = SimpleNamespace(topic=AT.topic, partition=AT.partition, error=KafkaError(self._code))
        answer: Future[Any] = Future()
        answer.set_result(SimpleNamespace(topic_partitions=[refused]))
        return {"g": answer}


@pytest.mark.parametrize("code", [KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError.NOT_COORDINATOR])
def test_a_coordinator_on_its_way_is_told_so_that_it_is_asked_again(code: int) -> None:
    change = alter_offsets("g", {AT: 3}, Asked("Changing the offsets", "Read on the group"))
    with pytest.raises(KafkaException) as raised:
        change(Answering(code), 1.0)  # type: ignore[arg-type]  # only the one method is called
    assert raised.value.args[0].code() == code


def test_a_partition_that_is_refused_for_good_is_named() -> None:
    change = alter_offsets("g", {AT: 3}, Asked("Changing the offsets", "Read on the group"))
    with pytest.raises(AdminForbidden, match=r"Changing the offsets for payments-0: .* Read on the group"):
        change(Answering(KafkaError.GROUP_AUTHORIZATION_FAILED), 1.0)  # type: ignore[arg-type]  # as above
