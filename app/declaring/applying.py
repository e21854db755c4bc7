"""Carries a plan out, one step after the other, and tells of each before it is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from app.declaring.declarations import TopicDeclaration
from app.declaring.plan import AddPartitions, ChangeConfig, CreateTopic, Plan, Step, plan_changes
from app.kafka.admin.protocol import Admin, ConfigChanges, NewTopic

TIMEOUT_S = 15.0
Tell = Callable[[Step], None]


async def look(admin: Admin, declared: Iterable[TopicDeclaration]) -> Plan:
    """The plan as of now. Raises KafkaUnavailable, AdminRefused."""
    wanted = list(declared)
    existing = await admin.topics(timeout_s=TIMEOUT_S)
    there = [one.topic for one in wanted if one.topic in existing and one.config]
    configs = await admin.configs(there, timeout_s=TIMEOUT_S) if there else {}
    return plan_changes(wanted, existing, configs)


async def carry_out(admin: Admin, steps: Iterable[Step], tell: Tell) -> None:
    """Makes the changes in order; ends with the first that fails. Raises KafkaUnavailable, AdminRefused."""
    for step in steps:
        tell(step)
        await _carry_out(admin, step)


async def _carry_out(admin: Admin, step: Step) -> None:
    match step:
        case CreateTopic(topic, declared):
            new = NewTopic(topic, declared.partitions, declared.replication, declared.config or None)
            await admin.create_topic(new, timeout_s=TIMEOUT_S)
        case AddPartitions(topic, _, count):
            await admin.add_partitions(topic, count, timeout_s=TIMEOUT_S)
        case ChangeConfig(topic, name, _, value):
            await admin.alter_config(topic, ConfigChanges({name: value}), timeout_s=TIMEOUT_S)
