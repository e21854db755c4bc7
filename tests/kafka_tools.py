"""Kafka's own command line tools, as witnesses that share no code with ours."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from app.kafka.embedded.apache import node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY

CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
CONSOLE_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSUMER_GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
REASSIGN_PARTITIONS = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
TOOL_TIMEOUT_S = 60


async def run_tool(main_class: str, *arguments: str, stdin: str = "") -> str:
    """What the tool prints. Fails with its errors where it ends with any code but 0, or not in time."""
    options = node_options(DEFAULT_DIRECTORY)
    java = [options.java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *options.flags]
    command = [*java, "-cp", f"{options.jars}/*"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, main_class, *arguments, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(stdin.encode()), TOOL_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()[-2000:]
    return output.decode()


async def console_consumer(servers: str, topic: str, messages: int) -> list[str]:
    """The first messages of `topic`: partition, offset, headers, key and value of each, separated by tabs."""
    properties = ["partition", "offset", "headers", "key"]
    printing = [argument for name in properties for argument in ("--property", f"print.{name}=true")]
    arguments = ["--bootstrap-server", servers, "--topic", topic, "--from-beginning", "--max-messages", str(messages)]
    return (await run_tool(CONSOLE_CONSUMER, *arguments, "--timeout-ms", "20000", *printing)).splitlines()


async def console_producer(servers: str, topic: str, lines: list[str]) -> None:
    """Sends each line, `key:value`."""
    properties = ["--property", "parse.key=true", "--property", "key.separator=:"]
    arguments = ["--bootstrap-server", servers, "--topic", topic, *properties]
    await run_tool(CONSOLE_PRODUCER, *arguments, stdin="".join(f"{line}\n" for line in lines))


async def reorder_replicas(servers: str, topic: str, orders: Mapping[int, list[int]]) -> None:
    """Gives each partition its replicas in this order; the first is the one that should lead."""
    partitions = [{"topic": topic, "partition": number, "replicas": order} for number, order in orders.items()]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        json.dump({"version": 1, "partitions": partitions}, plan)
        plan.flush()
        arguments = ["--bootstrap-server", servers, "--reassignment-json-file", plan.name, "--execute"]
        await run_tool(REASSIGN_PARTITIONS, *arguments)


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One partition of a group: what is committed, where the log ends, and the member that has it."""

    partition: int
    committed: int | None
    end: int
    lag: int | None
    member: str


async def describe_group(servers: str, group: str, topic: str) -> dict[int, GroupLine]:
    """What kafka-consumer-groups says of `topic`, by partition."""
    output = await run_tool(CONSUMER_GROUPS, "--bootstrap-server", servers, "--describe", "--group", group)
    lines = [line.split() for line in output.splitlines() if line.split()[:2] == [group, topic]]
    return {line.partition: line for line in (_group_line(words) for words in lines)}


def _group_line(words: list[str]) -> GroupLine:
    _, _, partition, committed, end, lag, member, *_ = words
    return GroupLine(int(partition), _number(committed), int(end), _number(lag), member)


def _number(word: str) -> int | None:
    return None if word == "-" else int(word)
