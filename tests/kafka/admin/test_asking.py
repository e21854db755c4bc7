"""What is asked of the brokers in more than one request agrees with itself."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka.admin import AdminClient

from app.kafka.admin.asking import describe_cluster


def node(number: int) -> SimpleNamespace:
    return SimpleNamespace(id=number, host="kafka", port=9092, rack=None)


class Brokers:
    """Tell of all three first, and then of those that are left; `controller` is of the second answer."""

    def __init__(self, left: tuple[int, ...], controller: int | None) -> None:
        self._left = left
        self._controller = controller

    def list_topics(self, **_: Any) -> SimpleNamespace:
        return SimpleNamespace(cluster_id="c", controller_id=3, brokers={one: node(one) for one in (1, 2, 3)})

    def describe_cluster(self, **_: Any) -> Future[Any]:
        described: Future[Any] = Future()
        controller = None if self._controller is None else node(self._controller)
        described.set_result(SimpleNamespace(nodes=[node(one) for one in self._left], controller=controller))
        return described


@pytest.mark.parametrize(
    ("left", "controller", "told"),
    [((1, 2, 3), 3, 3), ((1, 2), 1, 1), ((1, 2), 3, None), ((1, 2), None, None)],
)
def test_a_broker_that_goes_down_meanwhile_is_not_told_as_the_controller(
    left: tuple[int, ...], controller: int | None, told: int | None
) -> None:
    cluster = describe_cluster(cast(AdminClient, Brokers(left, controller)), 5.0)
    assert [broker.id for broker in cluster.brokers] == list(left)
    assert cluster.controller == told
