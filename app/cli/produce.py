"""`demijohn produce`: one message from options, or one from each line of standard input."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import msgspec
import orjson

from app.api.message_reader import read_one
from app.api.problems import Refusal
from app.cli.connecting import connect_cluster, connect_producer, kafka_settings, run
from app.cli.output import json_option, remark
from app.cli.progress import Progress
from app.cli.stdin_lines import lines_of_stdin
from app.errors import ProduceError
from app.events import Monitor
from app.messages import DeliveryReport, OutgoingMessage
from app.producer import DeliveryHandle, Producer
from app.settings import Settings

MOST_IN_FLIGHT = 1000
LINE_OVERHEAD_BYTES = 64 * 1024
"""Room for names, key and headers beside the largest payload, which base64 makes longer by a third."""


@dataclass(frozen=True, slots=True)
class Common:
    """What the options say of every message. `topic` None: each line names its own."""

    topic: str | None
    key: str | None
    headers: Sequence[tuple[str, str]]
    partition: int | None
    timestamp: int | None

    def message(self, payload: bytes | None) -> OutgoingMessage:
        """The message with this payload."""
        return OutgoingMessage(
            topic=self.topic or "",
            payload=payload,
            key=self.key,
            headers=self.headers,
            partition=self.partition,
            timestamp=self.timestamp,
        )

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        values = {"--key": self.key, "--partition": self.partition, "--timestamp": self.timestamp}
        return [name for name, value in values.items() if value is not None] + ["--header"] * bool(self.headers)


@dataclass(slots=True)
class Tally:
    """What became of the lines. `unknown`: they may be stored."""

    delivered: int = 0
    failed: int = 0
    unknown: int = 0
    bad: int = 0

    @property
    def well(self) -> bool:
        return not (self.failed or self.unknown or self.bad)

    def __str__(self) -> str:
        counts = {"failed": self.failed, "unknown (they may be stored)": self.unknown, "bad, not sent": self.bad}
        parts = [f"{self.delivered} stored", *(f"{count} {name}" for name, count in counts.items() if count)]
        return ", ".join(parts)


def _header(_: click.Context, __: click.Parameter, values: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [value.partition("=") for value in values]
    if wrong := [name for name, sign, _ in pairs if not sign or not name]:
        raise click.BadParameter(f"{wrong[0]!r} must be NAME=VALUE")
    return [(name, value) for name, _, value in pairs]


@click.command()
@click.argument("topic", required=False)
@click.option("--payload", metavar="TEXT", help="Send this one message instead of reading lines.")
@click.option("--tombstone", is_flag=True, help="Send one null payload, which deletes --key from a compacted topic.")
@click.option("--key", metavar="TEXT", help="The key of every message.")
@click.option("--header", "headers", multiple=True, callback=_header, metavar="NAME=VALUE", help="May be given again.")
@click.option("--partition", type=click.IntRange(min=0), help="By default the key decides, or each gets another one.")
@click.option("--timestamp", type=click.IntRange(min=0), metavar="MS", help="Milliseconds since 1970; by default now.")
@click.option(
    "--skip-bad", is_flag=True, help="Go on after a line that is no message; the exit code is 1 all the same."
)
@json_option
def produce(payload: str | None, tombstone: bool, skip_bad: bool, as_json: bool, **options: Any) -> int:
    """Put messages into Kafka and wait for the verdict on each.

    With --payload one message. Otherwise each line of standard input is one: with TOPIC its payload as it is, without
    TOPIC a JSON object as POST /produce takes it. --json prints a line for each message, in their order.

    Exit codes: 0 all are stored, 1 some are not, or perhaps not; standard error names their lines.
    """
    common = Common(**options)
    if payload is not None or tombstone:
        _check_single(common, payload, tombstone)
        return run(_one(common.message(None if payload is None else payload.encode()), as_json))
    if common.topic is None and common.given:
        raise click.UsageError(f"{common.given[0]} needs a TOPIC: without one each line says everything itself")
    return run(_lines(common, Sending(skip_bad, as_json)))


def _check_single(common: Common, payload: str | None, tombstone: bool) -> None:
    if common.topic is None:
        raise click.UsageError("Which TOPIC?")
    if tombstone and payload is not None:
        raise click.UsageError("--tombstone has no --payload")
    if tombstone and common.key is None:
        raise click.UsageError("--tombstone needs the --key that it deletes")


async def _one(message: OutgoingMessage, as_json: bool) -> int:
    settings, monitor = kafka_settings(), Monitor()
    async with connect_cluster(settings, monitor) as cluster, connect_producer(settings, cluster, monitor) as producer:
        report = await producer.produce_sync(**msgspec.structs.asdict(message))
    if as_json:
        click.echo(orjson.dumps(verdict_row(1, report)))
    else:
        click.echo(f"Stored in {report.topic}-{report.partition} at offset {report.offset}")
    return 0


async def _lines(common: Common, sending: Sending) -> int:
    settings, monitor = kafka_settings(), Monitor()
    async with connect_cluster(settings, monitor) as cluster, connect_producer(settings, cluster, monitor) as producer:
        with Progress("stored") as progress:
            await sending.send(producer, _messages(common, settings), progress)
    remark(f"{sending.tally}.")
    return 0 if sending.tally.well else 1


async def _messages(
    common: Common, settings: Settings
) -> AsyncGenerator[tuple[int, OutgoingMessage | ProduceError | Refusal], None]:
    """(number of the line, its message or what is wrong with it)."""
    most = settings.producer_max_payload_bytes * 4 // 3 + LINE_OVERHEAD_BYTES
    async for number, line in lines_of_stdin(most):
        yield number, common.message(line) if common.topic is not None else _read(line)


def _read(line: bytes) -> OutgoingMessage | Refusal:
    try:
        read = read_one(line)
    except Refusal as refusal:
        return refusal
    if read.outgoing is None:
        return Refusal("invalid_message", "; ".join(map(str, read.faults)), read.faults)
    return read.outgoing


@dataclass(slots=True)
class Sending:
    """Sends a stream of messages, at most 1,000 without a verdict, and tells of each in order."""

    skip_bad: bool
    as_json: bool
    tally: Tally = field(default_factory=Tally)
    _waiting: deque[tuple[int, DeliveryHandle]] = field(default_factory=deque)

    async def send(
        self,
        producer: Producer,
        messages: AsyncGenerator[tuple[int, OutgoingMessage | ProduceError | Refusal], None],
        progress: Progress,
    ) -> None:
        """Until the last has its verdict, or a bad one ends it."""
        async for number, message in messages:
            error: ProduceError | Refusal | None = None
            if isinstance(message, OutgoingMessage):
                error = await self._accept(producer, number, message)
            else:
                error = message
            if error is not None:
                await self._settle(0)
                self._refused(number, error)
                if not self.skip_bad:
                    break
            await self._settle(MOST_IN_FLIGHT)
            progress.show(self.tally.delivered)
        await self._settle(0)

    async def _accept(self, producer: Producer, number: int, message: OutgoingMessage) -> ProduceError | None:
        try:
            handle = await producer.produce_async(**msgspec.structs.asdict(message))
        except ProduceError as error:
            return error
        self._waiting.append((number, handle))
        return None

    async def _settle(self, most: int) -> None:
        """Returns when at most `most` are without a verdict, and tells of those that have one."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0][1].done):
            number, handle = self._waiting.popleft()
            self._tell(number, await handle.wait())

    def _tell(self, number: int, report: DeliveryReport) -> None:
        setattr(self.tally, report.status, getattr(self.tally, report.status) + 1)
        if self.as_json:
            click.echo(orjson.dumps(verdict_row(number, report)))
        elif report.error is not None:
            remark(f"Line {number}: {report.status}: {report.error.detail}")

    def _refused(self, number: int, error: ProduceError | Refusal) -> None:
        self.tally.bad += 1
        if self.as_json:
            click.echo(orjson.dumps({"line": number, "status": "failed", "code": error.code, "error": error.detail}))
        ends = "" if self.skip_bad else "; nothing after it was sent (--skip-bad goes on)"
        remark(f"Line {number}: {error.detail}{ends}")


def verdict_row(number: int, report: DeliveryReport) -> dict[str, Any]:
    """The verdict on the message of a line, for programs."""
    return {
        "line": number,
        "status": report.status,
        "topic": report.topic,
        "partition": report.partition,
        "offset": report.offset,
        "timestamp": report.timestamp,
        "code": report.error and report.error.code,
        "error": report.error and report.error.detail,
    }
