"""What operators do to topics: create, delete, add partitions, change the configuration, send a message once more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from app.api.problems import Refusal, refusal_of
from app.api.services import Services
from app.dashboard.action_bodies import ActionBody, invalid
from app.dashboard.actions import Action, Answer, Asked
from app.dashboard.kafka_refusals import kafka_refusals
from app.dashboard.message_routes import place_of
from app.dashboard.topic_access import TopicAccess
from app.dashboard.topic_protection import TopicProtection
from app.errors import Fault, ProduceError
from app.kafka.admin.protocol import ConfigChanges, ConfigEntry, NewTopic, TopicDescription

TIMEOUT_S = 15.0
MOST_PARTITIONS = 10_000
MOST_REPLICAS = 100
CREATED = 201
KEYS_MOVE = (
    "Keys move: a key's new messages may go to another partition than its old ones, so their order among each other is "
    "lost, and consumers that keep something for each key see it in two places. Partitions cannot be taken away again."
)
TOPIC = "/dashboard/api/topics/{topic}"
Partitions = Annotated[int, Field(ge=1, le=MOST_PARTITIONS)]


class CreateBody(ActionBody):
    """`partitions` and `replication`: None leaves them to the brokers."""

    topic: str
    partitions: Partitions | None = None
    replication: Annotated[int, Field(ge=1, le=MOST_REPLICAS)] | None = None
    config: dict[str, str] = Field(default_factory=dict)


class DeleteBody(ActionBody):
    """`confirm`: the name of the topic once more."""

    confirm: str


class PartitionsBody(ActionBody):
    """`count`: how many it has then, in all."""

    count: Partitions
    preview: bool = False


class ConfigBody(ActionBody):
    """What is in neither stays as it is."""

    set: dict[str, str] = Field(default_factory=dict)
    reset: list[str] = Field(default_factory=list)
    preview: bool = False


class RepublishBody(ActionBody):
    """`topic`: where to; None: the one that it is from."""

    topic: str | None = None


class TopicActions:
    """Carries them out."""

    def __init__(self, services: Services, access: TopicAccess) -> None:
        self._admin = services.admin
        self._explorer = services.explorer
        self._producer = services.producer
        self._access = access
        self._protection = TopicProtection(services.table, services.settings.http_async_dlq_topic)

    def actions(self) -> list[Action[Any]]:
        """All five."""
        republish = f"{TOPIC}/messages/{{partition}}/{{offset}}/republish"
        return [
            Action("topic.create", "/dashboard/api/topics", CreateBody, self.create, lambda asked: asked.body.topic),
            Action("topic.delete", TOPIC, DeleteBody, self.delete, _topic_of, "DELETE"),
            Action("topic.partitions", f"{TOPIC}/partitions", PartitionsBody, self.add_partitions, _topic_of),
            Action("topic.config", f"{TOPIC}/config", ConfigBody, self.alter_config, _topic_of, "PATCH"),
            Action("message.republish", republish, RepublishBody, self.republish, _message_of),
        ]

    async def create(self, asked: Asked[CreateBody]) -> Answer:
        body = asked.body
        self._protection.check_writable(body.topic)
        if not self._access.visible(body.topic, asked.key):
            raise Refusal("topic_forbidden", f"The API key does not reach a topic {body.topic}")
        new = NewTopic(body.topic, body.partitions, body.replication, body.config)
        with kafka_refusals(of_kafka_away=False):
            await self._admin.create_topic(new, timeout_s=TIMEOUT_S)
        document = {"topic": body.topic, "partitions": body.partitions, "replication": body.replication}
        return Answer({**document, "config": body.config}, CREATED, _said(document))

    async def delete(self, asked: Asked[DeleteBody]) -> Answer:
        topic = asked.path["topic"]
        if asked.body.confirm != topic:
            raise invalid([Fault("confirm", f"must be the name of the topic, {topic}")])
        await self._described(asked)
        self._protection.check_deletable(topic)
        with kafka_refusals(of_kafka_away=False):
            await self._admin.delete_topic(topic, timeout_s=TIMEOUT_S)
        return Answer({"topic": topic, "deleted": True})

    async def add_partitions(self, asked: Asked[PartitionsBody]) -> Answer:
        topic, body = asked.path["topic"], asked.body
        now = len((await self._described(asked)).partitions)
        self._protection.check_writable(topic)
        if body.count <= now:
            raise invalid([Fault("count", f"must be more than {now}, which it has: partitions cannot be taken away")])
        with kafka_refusals(of_kafka_away=False):
            await self._admin.add_partitions(topic, body.count, timeout_s=TIMEOUT_S, preview=body.preview)
        document = {"topic": topic, "old": now, "new": body.count, "warning": KEYS_MOVE, "applied": not body.preview}
        return Answer(document, detail=f"{now} to {body.count}", acted=not body.preview)

    async def alter_config(self, asked: Asked[ConfigBody]) -> Answer:
        topic, body = asked.path["topic"], asked.body
        await self._described(asked)
        self._protection.check_writable(topic)
        with kafka_refusals(of_kafka_away=False):
            entries = await self._admin.config(topic, timeout_s=TIMEOUT_S)
            changes = changes_of(body, {entry.name: entry for entry in entries})
            wanted = ConfigChanges(body.set, body.reset)
            await self._admin.alter_config(topic, wanted, timeout_s=TIMEOUT_S, preview=body.preview)
        said = ", ".join(f"{change['name']}: {change['old']} to {change['new'] or 'its default'}" for change in changes)
        document = {"topic": topic, "changes": changes, "applied": not body.preview}
        return Answer(document, detail=said, acted=not body.preview)

    async def republish(self, asked: Asked[RepublishBody]) -> Answer:
        topic = asked.path["topic"]
        target = topic if asked.body.topic is None else asked.body.topic
        topics = await self._topics()
        self._access.check_messages(topic, asked.key, topics.__contains__)
        self._access.check(target, asked.key, topics.__contains__)
        self._protection.check_producible(target)
        partition, offset = place_of(asked.path)
        with kafka_refusals(of_kafka_away=False):
            found = (await self._explorer.message(topic, partition, offset, "read_committed")).message
        try:
            report = await self._producer.produce_sync(
                topic=target, payload=found.value, key=found.key, headers=list(found.headers)
            )
        except ProduceError as error:
            raise refusal_of(error) from error
        place = {"topic": target, "partition": report.partition, "offset": report.offset}
        times = {"timestamp": report.timestamp, "latency_ms": round(report.latency_ms, 3)}
        detail = f"to {target}-{report.partition} at {report.offset}"
        return Answer({**place, **times, "status": report.status}, detail=detail)

    async def _described(self, asked: Asked[Any]) -> TopicDescription:
        topics = await self._topics()
        self._access.check(asked.path["topic"], asked.key, topics.__contains__)
        return topics[asked.path["topic"]]

    async def _topics(self) -> Mapping[str, TopicDescription]:
        with kafka_refusals(of_kafka_away=False):
            return await self._admin.topics(timeout_s=TIMEOUT_S)


def changes_of(body: ConfigBody, entries: Mapping[str, ConfigEntry]) -> Sequence[Mapping[str, Any]]:
    """Old and new of each entry; a `new` of None is the default. Raises Refusal `invalid_action`."""
    faults = [Fault(f"reset.{at}", "is set, too") for at, name in enumerate(body.reset) if name in body.set]
    faults += [
        Fault(f"set.{name}", "is no entry of a topic's configuration") for name in body.set if name not in entries
    ]
    if not body.set and not body.reset:
        faults.append(Fault("", "names nothing to set or to reset"))
    if faults:
        raise invalid(faults)
    return [_change(name, body.set.get(name), entries.get(name)) for name in (*body.set, *body.reset)]


def _change(name: str, new: str | None, entry: ConfigEntry | None) -> Mapping[str, Any]:
    return {
        "name": name,
        "old": None if entry is None else entry.value,
        "new": new,
        "was_default": None if entry is None else entry.default,
    }


def _topic_of(asked: Asked[Any]) -> str:
    return asked.path["topic"]


def _message_of(asked: Asked[Any]) -> str:
    return f"{asked.path['topic']}-{asked.path['partition']} at {asked.path['offset']}"


def _said(document: Mapping[str, Any]) -> str:
    known = {name: value for name, value in document.items() if name != "topic" and value is not None}
    return ", ".join(f"{name} {value}" for name, value in known.items())
