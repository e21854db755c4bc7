"""The view of the cluster: any broker that answers will do."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError

from app.events import Monitor
from app.kafka.cluster import Cluster
from tests.conftest import make_settings


class Nodes:
    """A client that knows these brokers; each answers with its number, raises, or (None) never answers."""

    def __init__(self, **answers: Exception | bool | None) -> None:
        self.answers = {int(name.removeprefix("node")): answer for name, answer in answers.items()}
        self.asked: list[int] = []
        self.cluster = SimpleNamespace(brokers=lambda: [SimpleNamespace(nodeId=node) for node in self.answers])

    async def send(self, node: int, request: object) -> int:
        self.asked.append(node)
        answer = self.answers[node]
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return node


@pytest.fixture
def view() -> Cluster:
    return Cluster(make_settings("kafka:9092"), "kafka:9092", Monitor())


async def asked(view: Cluster, nodes: Nodes) -> Any:
    return await view._answer_of_any(cast(AIOKafkaClient, nodes), object())


async def test_one_that_is_down_or_hangs_is_passed_over(view: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.kafka.cluster.PROBE_TIMEOUT_S", 0.06)
    nodes = Nodes(node1=KafkaConnectionError(), node2=None, node3=True)
    assert await asked(view, nodes) == 3
    assert nodes.asked == [1, 2, 3]


async def test_the_one_that_answered_last_is_asked_first(view: Cluster) -> None:
    nodes = Nodes(node1=NodeNotReadyError(), node2=True)
    assert [await asked(view, nodes), await asked(view, nodes)] == [2, 2]
    assert nodes.asked == [1, 2, 2]


async def test_where_none_answers_the_last_ones_error_says_why(view: Cluster) -> None:
    with pytest.raises(NodeNotReadyError):
        await asked(view, Nodes(node1=KafkaConnectionError(), node2=NodeNotReadyError()))
    with pytest.raises(NodeNotReadyError, match="no broker is known"):
        await asked(view, Nodes())
