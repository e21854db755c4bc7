"""`demijohn verify`: whether what the running service says of messages is true."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from app.cli.connecting import connect_admin, kafka_settings, run
from app.cli.consume import explorer_of
from app.cli.output import json_option, remark, show_json
from app.cli.progress import Progress
from app.errors import DemijohnError, NoSuchResource
from app.exploring.cursors import Cursor
from app.kafka.admin.protocol import Admin, NewTopic
from app.kafka.connection import prepare_aiokafka
from app.messages import TopicPartition
from app.settings import Settings, load_settings
from app.verifying.canary import Canary, Course
from app.verifying.ledger import Ledger
from app.verifying.service_calls import Service

TIMEOUT_S = 15.0
LOOK_S = 0.2
EXIT_FAILED, EXIT_NOT_RUN = 1, 2
FIGURES = ("p50", "p90", "p99", "p999", "max")
ENOUGH = 0.9
"""Of what --rate asks for; below, it is said that the calls could not keep up."""
COUNTS = ("sent", "delivered", "failed", "unknown", "unknown_stored", "lost", "duplicated", "reordered", "unexpected")


@click.command()
@click.option("--url", help="The running service; by default the one on this machine, at HTTP_PORT.")
@click.option("--key", help="An API key with the role produce.")
@click.option(
    "--topic", default="demijohn-canary", show_default=True, help="Made with 3 partitions where it is missing."
)
@click.option("--rate", type=click.FloatRange(min=0.1, max=10_000), default=50.0, show_default=True, help="Messages/s.")
@click.option("--duration", type=click.FloatRange(min=0.1), default=10.0, show_default=True, help="Seconds of sending.")
@click.option("--settle", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Seconds for the rest.")
@click.option("--mode", type=click.Choice(["sync", "async", "batch"]), default="sync", show_default=True)
@click.option("--batch", type=click.IntRange(1, 10_000), default=100, show_default=True, help="Messages in a call.")
@click.option("--padding", type=click.IntRange(0, 900_000), default=0, help="Bytes that make each message longer.")
@json_option
def verify(url: str | None, key: str | None, as_json: bool, **options: Any) -> int:
    """Find out whether the verdicts of the running service are true.

    Sends numbered messages through it, reads the topic with a client of its own, and compares. A message that the
    service called delivered has to be there, once, in order, at the offset that was told; one that it called failed
    must not; what it called unknown is counted. Run it in staging, while you break things. Ctrl-C ends the sending and
    prints the report.

    Exit codes: 0 every verdict was true, 1 one was not, 2 it could not run, or nothing was delivered.
    """
    try:
        canary = run(_verify(_service(url, key), options, shown=not as_json))
    except DemijohnError as error:
        remark(str(error))
        return EXIT_NOT_RUN
    if as_json:
        show_json({"run": canary.run_id, "topic": options["topic"], **canary.ledger.document()})
    else:
        for line in report(canary.ledger):
            click.echo(line)
    if not canary.ledger.well and canary.trouble:
        remark(f"The topic could not be read at times: {canary.trouble}")
    return _exit_code(canary, _expected(options))


def _service(url: str | None, key: str | None) -> Service:
    try:
        return Service(url or own_url(load_settings()), key)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def _exit_code(canary: Canary, expected: int) -> int:
    counts = canary.ledger.document()
    if not canary.stopped and counts["sent"] < expected * ENOUGH:
        remark(f"The calls could not keep up: {counts['sent']:,} of {expected:,} were sent. Try --mode batch.")
    if not counts["well"]:
        return EXIT_FAILED
    if not counts["delivered"]:
        remark("Nothing was delivered: nothing was verified.")
        return EXIT_NOT_RUN
    return 0


def own_url(settings: Settings) -> str:
    """Where the service with these settings is asked on this machine."""
    host = settings.http_host if settings.http_host not in ("0.0.0.0", "::") else "127.0.0.1"
    scheme = "https" if settings.http_tls_cert else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.http_port}{settings.http_root_path}"


async def _verify(service: Service, options: dict[str, Any], *, shown: bool) -> Canary:
    settings = kafka_settings()
    prepare_aiokafka()
    try:
        async with connect_admin(settings) as admin:
            starts = await _starts(admin, options["topic"])
        await service.until_known(options["topic"])
        canary = Canary(_course(options, starts), service, explorer_of(settings))
        with _interruptible(canary), Progress("seen", _expected(options)) as progress:
            running = asyncio.ensure_future(canary.run(starts))
            while not running.done():
                await asyncio.wait({running}, timeout=LOOK_S)
                if shown:
                    counts = canary.ledger.document()
                    progress.show(counts["seen"], f"{counts['failed']} failed, {counts['unknown']} unknown")
            running.result()
        return canary
    finally:
        await service.close()


def _course(options: dict[str, Any], starts: Cursor) -> Course:
    return Course(
        topic=options["topic"],
        partitions=len(starts.places),
        rate_per_s=options["rate"],
        duration_s=options["duration"],
        settle_s=options["settle"],
        mode=options["mode"],
        batch=options["batch"],
        padding=options["padding"],
    )


def _expected(options: dict[str, Any]) -> int:
    return int(options["rate"] * options["duration"])


async def _starts(admin: Admin, topic: str) -> Cursor:
    """The ends of the topic's partitions; it is made where it is missing."""
    if topic not in await admin.topics(timeout_s=TIMEOUT_S):
        await admin.create_topic(NewTopic(topic, 3), timeout_s=TIMEOUT_S)
        remark(f"Created {topic} with 3 partitions.")
    until = time.monotonic() + TIMEOUT_S
    ends = await _ends(admin, topic)
    while not ends or None in ends.values():
        if time.monotonic() > until:
            missing = [str(at) for at, end in ends.items() if end is None] or [topic]
            raise NoSuchResource("LEADER_NOT_AVAILABLE", f"{', '.join(missing)} cannot be read: no leader answers")
        await asyncio.sleep(LOOK_S)
        ends = await _ends(admin, topic)
    return Cursor(topic, "oldest", {at.partition: end or 0 for at, end in ends.items()})


async def _ends(admin: Admin, topic: str) -> Mapping[TopicPartition, int | None]:
    """Of each partition; none where the brokers do not know the topic (yet)."""
    found = (await admin.topics(timeout_s=TIMEOUT_S)).get(topic)
    every = [TopicPartition(topic, one.partition) for one in found.partitions] if found else []
    ends = await admin.offsets(every, "latest", timeout_s=TIMEOUT_S)
    return {at: ends.get(at) for at in every}


@contextlib.contextmanager
def _interruptible(canary: Canary) -> Iterator[None]:
    """Ctrl-C ends the sending, and the report is still made; a second one ends all."""
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        canary.stop()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def report(ledger: Ledger) -> list[str]:
    """For people."""
    document = ledger.document()
    lines = [f"{name.replace('_', ' '):<15} {document[name]:>9,}" for name in COUNTS]
    for name, times in (("acknowledged", ledger.acknowledged_ms), ("end to end", ledger.end_to_end_ms)):
        figures = times.document()
        shown = ", ".join(f"{figure.replace('p999', 'p99.9')} {figures[figure]}" for figure in FIGURES)
        lines += ["", f"{name}: {shown} ms" if times.count else f"{name}: none", *times.drawn()]
    lines += ["", *document["examples"], *_first(ledger)]
    lines.append("Every verdict was true." if ledger.well else "NOT every verdict was true.")
    return lines


def _first(ledger: Ledger) -> list[str]:
    return [line for line, _ in zip(ledger.missing(), range(5), strict=False)]
