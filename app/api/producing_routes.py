"""The routes that take messages on, and how the fast lane finds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from app.api.admission import Admission
from app.api.async_messages import AsyncMessages
from app.api.batch import Batches, BatchRoute
from app.api.calls import Call, RouteInfo
from app.api.confluent_produce import ConfluentRoute
from app.api.line_messages import LineMessages
from app.api.ndjson import NdjsonStreams
from app.api.produce import ProduceRoute
from app.api.raw_route import RawRoute
from app.api.replays import Replays
from app.api.replies import Reply, StreamedReply
from app.api.services import Services
from app.api.single import SingleMessages
from app.api.topic_policy import PayloadRules, TopicPolicy
from app.settings import listed


class ProducingRoute(Protocol):
    """A route that takes messages on."""

    @property
    def info(self) -> RouteInfo: ...
    async def __call__(self, call: Call) -> Reply | StreamedReply: ...


CONFLUENT = ("/topics/{topic}", "/topics/{topic}/partitions/{partition}")


def producing_routes(services: Services, admission: Admission) -> Sequence[ProducingRoute]:
    """All of them; they share the rules for topics and the idempotency keys."""
    settings = services.settings
    dlq_topic = settings.http_async_dlq_topic
    own_topics = services.table.dead_letter_topics() | {dlq_topic}
    policy = TopicPolicy(own_topics, listed(settings.http_topics), payload_rules(settings.http_schemas_dir))
    replays = Replays(settings)
    asynchronous = AsyncMessages(services.producer, services.receipts, dlq_topic, services.monitor)
    single = SingleMessages(services, admission, policy, asynchronous)
    batches = Batches(services, admission, policy, asynchronous)
    streams = NdjsonStreams(settings, admission, LineMessages(services, admission, policy, asynchronous))
    return (
        ProduceRoute(settings, admission, single, replays),
        BatchRoute(settings, admission, batches, replays, streams),
        RawRoute(settings, admission, single, replays),
        *(ConfluentRoute(template, settings, admission, batches, replays) for template in CONFLUENT),
    )


def payload_rules(schemas_dir: str | None) -> PayloadRules | None:
    """The schemas of a directory. Their library, which takes 9 MB, is loaded only where there is one."""
    if schemas_dir is None:
        return None
    from app.api.payload_schemas import load_schemas

    return load_schemas(schemas_dir)


class FastLane:
    """Finds the route of a path: by the whole of it, else by what comes before its one varying part."""

    def __init__(self, routes: Sequence[ProducingRoute]) -> None:
        self._whole = {route.info.template: route for route in routes if "{" not in route.info.template}
        self._by_prefix = [
            (route.info.template.partition("{")[0], route) for route in routes if route.info.template.count("{") == 1
        ]

    def find(self, path: str) -> ProducingRoute | None:
        """The route of a POST to `path`; None where the router has to look for one."""
        if (route := self._whole.get(path)) is not None:
            return route
        for prefix, route in self._by_prefix:
            if path.startswith(prefix) and len(path) > len(prefix) and "/" not in path[len(prefix) :]:
                return route
        return None
