"""What can be asked of a cluster and changed in it. `app.kafka.admin.client` does it; tests bring others.

Every call takes at most `timeout_s`. All of them raise KafkaUnavailable where no broker answers in time, and
AdminRefused where one says no: its kinds tell a right that is missing, a thing that does not exist, and what this
broker cannot do at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from app.kafka.topic_details import PartitionDetails
from app.messages import TopicPartition

OffsetAt = Literal["earliest", "latest"] | int
"""A place in a partition: its first offset, the one after its last, or that of the first record at or after a time
in milliseconds since 1970."""
Isolation = Literal["read_committed", "read_uncommitted"]


@dataclass(frozen=True, slots=True)
class Broker:
    """A live broker. `rack` is None where none is set, or where it is not known."""

    id: int
    host: str
    port: int
    rack: str | None = None


@dataclass(frozen=True, slots=True)
class ClusterDescription:
    """`controller` is the node that leads the quorum, which need not be a broker; None where that is not known."""

    cluster_id: str | None
    controller: int | None
    brokers: tuple[Broker, ...]


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic and its partitions, in their order. `internal`: Kafka keeps it for itself."""

    topic: str
    internal: bool
    partitions: tuple[PartitionDetails, ...]


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """One entry of a configuration. `source` is where its value was set, in Kafka's words: `dynamic_topic_config`,
    `default_config` and the like; the value of a sensitive one is never told."""

    name: str
    value: str | None
    source: str
    default: bool
    read_only: bool
    sensitive: bool


@dataclass(frozen=True, slots=True)
class ConfigChanges:
    """What to set, and what to bring back to its default. What is named in neither stays."""

    set: Mapping[str, str]
    reset: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class NewTopic:
    """A topic to create. `partitions` and `replication` are as the brokers are configured where they are None."""

    topic: str
    partitions: int | None = None
    replication: int | None = None
    config: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class GroupListing:
    """A group in a list. `kind`: classic or consumer (KIP-848); None where the broker does not say."""

    group: str
    state: str
    kind: str | None


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One member and the partitions that it has. `instance_id` is there where it is a static member."""

    member_id: str
    client_id: str
    host: str
    instance_id: str | None
    partitions: tuple[TopicPartition, ...]


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """A group. One that does not exist is `dead` and has no members."""

    group: str
    state: str
    kind: str | None
    assignor: str
    coordinator: int | None
    members: tuple[GroupMember, ...]


@dataclass(frozen=True, slots=True)
class Rights:
    """What the service's user may do, in Kafka's words (`read`, `write`, `describe_configs` ...): with each topic and
    with each group. Those of which the broker does not tell are left out."""

    topics: Mapping[str, frozenset[str]]
    groups: Mapping[str, frozenset[str]]


class Admin(Protocol):
    """Asks and changes a cluster."""

    async def cluster(self, *, timeout_s: float) -> ClusterDescription: ...
    async def topics(self, *, timeout_s: float) -> Mapping[str, TopicDescription]:
        """All topics that the service's user may see, internal ones too."""

    async def config(self, topic: str, *, timeout_s: float) -> tuple[ConfigEntry, ...]:
        """The whole configuration of a topic, by name."""

    async def configs(self, topics: Collection[str], *, timeout_s: float) -> Mapping[str, Mapping[str, str | None]]:
        """The values of many topics' configurations. Those that may not be read, or are gone, are left out."""

    async def log_sizes(self, *, timeout_s: float) -> Mapping[int, Mapping[TopicPartition, int]]:
        """Bytes on disk of each replica, by broker. Brokers that do not answer are left out."""

    async def offsets(
        self,
        partitions: Collection[TopicPartition],
        at: OffsetAt,
        *,
        isolation: Isolation = "read_uncommitted",
        timeout_s: float,
    ) -> Mapping[TopicPartition, int | None]:
        """An offset of each partition; None where there is none at that place, or it has no leader to ask."""

    async def groups(self, *, timeout_s: float) -> tuple[GroupListing, ...]: ...
    async def describe_groups(self, groups: Collection[str], *, timeout_s: float) -> Mapping[str, GroupDescription]: ...
    async def committed(self, group: str, *, timeout_s: float) -> Mapping[TopicPartition, int]:
        """Every offset that the group has committed."""

    async def rights(self, topics: Collection[str], groups: Collection[str], *, timeout_s: float) -> Rights:
        """Of topics that exist, and of groups whether they do or not."""

    async def create_topic(self, new: NewTopic, *, timeout_s: float, preview: bool = False) -> None:
        """`preview`: the broker checks it, and creates nothing."""

    async def delete_topic(self, topic: str, *, timeout_s: float) -> None: ...
    async def add_partitions(self, topic: str, count: int, *, timeout_s: float, preview: bool = False) -> None:
        """Gives a topic `count` partitions in all. `preview`: the broker checks it, and adds none."""

    async def alter_config(
        self, topic: str, changes: ConfigChanges, *, timeout_s: float, preview: bool = False
    ) -> None:
        """Changes entries of a topic's configuration. `preview`: the broker checks them, and changes none."""

    async def delete_records(
        self, before: Mapping[TopicPartition, int], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        """Deletes the records before these offsets; gives the first offset that is left of each partition."""

    async def delete_groups(self, groups: Sequence[str], *, timeout_s: float) -> None:
        """Deletes groups without members, and what they have committed."""

    async def alter_offsets(self, group: str, offsets: Mapping[TopicPartition, int], *, timeout_s: float) -> None:
        """Commits for a group that has no members now; else Kafka refuses, and nothing is changed."""

    async def reset_offsets(
        self, group: str, partitions: Collection[TopicPartition], to: OffsetAt, *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        """Commits that place for a group without members; the end where no record is at or after a time."""

    async def delete_offsets(self, group: str, partitions: Collection[TopicPartition], *, timeout_s: float) -> None:
        """Forgets what a group has committed there; of a live group only for topics that it does not read."""
