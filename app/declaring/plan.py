"""What lies between the topics as they are and as they are declared: steps, found without asking anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.declaring.declarations import TopicDeclaration
from app.kafka.admin.protocol import TopicDescription


@dataclass(frozen=True, slots=True)
class Step:
    """One change. `warning`: what to know before it is made."""

    topic: str

    @property
    def text(self) -> str:
        """What is done, in words."""
        raise NotImplementedError

    @property
    def warning(self) -> str | None:
        return None


@dataclass(frozen=True, slots=True)
class CreateTopic(Step):
    """It does not exist."""

    declaration: TopicDeclaration

    @property
    def text(self) -> str:
        declared = self.declaration
        facts = [
            f"partitions {declared.partitions or 'as the brokers say'}",
            f"replication {declared.replication or 'as the brokers say'}",
            *(f"{name}={value}" for name, value in declared.config.items()),
        ]
        return f"create {self.topic} ({', '.join(facts)})"


@dataclass(frozen=True, slots=True)
class AddPartitions(Step):
    """It has fewer partitions than declared."""

    old: int
    new: int

    @property
    def text(self) -> str:
        return f"add partitions to {self.topic}: {self.old} -> {self.new}"

    @property
    def warning(self) -> str:
        return f"keys of {self.topic} move: what comes later need not go where earlier messages of its key are"


@dataclass(frozen=True, slots=True)
class ChangeConfig(Step):
    """An entry of its configuration is another one."""

    name: str
    old: str | None
    new: str

    @property
    def text(self) -> str:
        return f"set {self.name} of {self.topic}: {self.old} -> {self.new}"


@dataclass(frozen=True, slots=True)
class Impossible:
    """A difference that no change of a topic can mend."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All differences."""

    steps: tuple[Step, ...] = ()
    impossible: tuple[Impossible, ...] = ()


Configs = Mapping[str, Mapping[str, str | None]]


def plan_changes(
    declared: Iterable[TopicDeclaration], existing: Mapping[str, TopicDescription], configs: Configs
) -> Plan:
    """What to do. `configs`: the configuration of each existing topic, where it may be read."""
    steps: list[Step] = []
    impossible: list[Impossible] = []
    for one in declared:
        found = existing.get(one.topic)
        if found is None:
            steps.append(CreateTopic(one.topic, one))
            continue
        steps += _partition_steps(one, found)
        steps += _config_steps(one, configs.get(one.topic, {}))
        impossible += [*_conflicts(one, found), *_unknown_entries(one, configs.get(one.topic, {}))]
    return Plan(tuple(steps), tuple(impossible))


def _partition_steps(declared: TopicDeclaration, found: TopicDescription) -> Iterator[Step]:
    count = len(found.partitions)
    if declared.partitions is not None and declared.partitions > count:
        yield AddPartitions(declared.topic, count, declared.partitions)


def _config_steps(declared: TopicDeclaration, config: Mapping[str, str | None]) -> Iterator[Step]:
    for name, new in declared.config.items():
        if name in config and config[name] != new:
            yield ChangeConfig(declared.topic, name, config[name], new)


def _unknown_entries(declared: TopicDeclaration, config: Mapping[str, str | None]) -> Iterator[Impossible]:
    for name in declared.config:
        if not config:
            yield Impossible(
                declared.topic, f"the configuration of {declared.topic} may not be read: {name} is unknown"
            )
        elif name not in config:
            yield Impossible(declared.topic, f"Kafka knows no {name} of topics, which {declared.topic} declares")


def _conflicts(declared: TopicDeclaration, found: TopicDescription) -> Iterator[Impossible]:
    count = len(found.partitions)
    if declared.partitions is not None and declared.partitions < count:
        text = (
            f"{declared.topic} has {count} partitions, {declared.partitions} are declared: Kafka cannot take any away"
        )
        yield Impossible(declared.topic, f"{text}; declare {count}, or delete and create the topic")
    factors = sorted({len(partition.replicas) for partition in found.partitions})
    if declared.replication is not None and factors != [declared.replication]:
        text = f"{declared.topic} has {'/'.join(map(str, factors))} replicas, {declared.replication} are declared"
        yield Impossible(declared.topic, f"{text}: move them with kafka-reassign-partitions")
