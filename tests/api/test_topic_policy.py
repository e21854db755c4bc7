"""Which topics clients may produce to."""

from __future__ import annotations

import pytest

from app.api.topic_policy import TopicPolicy
from tests.api.conftest import MakeService


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("orders", None),
        ("user_1", None),
        ("orders2", "topic_forbidden"),
        ("Orders", "topic_forbidden"),
        ("__consumer_offsets", "internal_topic"),
        ("orders.dlq", "topic_forbidden"),
        ("demijohn_reports", "topic_forbidden"),
    ],
)
def test_what_is_allowed_matches_a_pattern_and_is_nobody_elses(topic: str, code: str | None) -> None:
    policy = TopicPolicy(["orders.dlq"], ["orders", "user_*", "*.dlq", "__*", "demijohn_*"])
    for _ in range(2):
        refusal = policy.refusal(topic)
        assert (refusal.code if refusal else None) == code


def test_without_patterns_every_topic_is_allowed() -> None:
    assert TopicPolicy([]).refusal("anything") is None
    assert TopicPolicy([]).visible("anything")
    assert not TopicPolicy([]).visible("demijohn_states")


async def test_the_allow_list_holds_on_every_route(make_either: MakeService) -> None:
    service = make_either(http_topics=" exam* , nothing")
    assert (await service.produce(payload=1)).status_code == 200
    refused = await service.produce(topic="other", payload=1)
    assert (refused.status_code, refused.json()["code"]) == (403, "topic_forbidden")
    raw = await service.http.post("/produce/other", content=b"1")
    assert (raw.status_code, raw.json()["code"]) == (403, "topic_forbidden")
    batch = await service.batch({"topic": "other", "payload": 1}, {"topic": "example", "payload": 1})
    assert batch.status_code == 207
    atomic = await service.batch(
        {"topic": "other", "payload": 1}, {"topic": "example", "payload": 1}, query="?atomic=true"
    )
    assert atomic.status_code == 422
    assert [result["code"] for result in atomic.json()["results"]] == ["topic_forbidden", "atomic"]
    queued = await service.produce("?mode=async", topic="other", payload=1)
    assert queued.status_code == 403
