"""`demijohn dlq`: dead letters, and sending them back."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import click

from app.cli.asking import agreed, yes_option
from app.cli.connecting import connect_cluster, connect_producer, kafka_settings, run
from app.cli.consume import explorer_of
from app.cli.output import json_option, remark, show_json, show_rows
from app.cli.progress import Progress
from app.dashboard.dead_letter_topics import DeadLetterTopics, death_of
from app.dashboard.message_documents import LIST_LETTERS, message_document, shown_as
from app.dashboard.redrive_actions import check_redrive, redrive_row
from app.dashboard.topic_access import topic_access
from app.events import Monitor
from app.exploring.explorer import Wanted as WantedMessages
from app.fleet.topics import fleet_topics
from app.kafka.cluster import Cluster
from app.kafka.log_reader import StoredRecord
from app.kafka.topic_reader import TopicReader
from app.redriving.memory import RedriveMemory, Redriven
from app.redriving.redrive import Redrive, Wanted
from app.redriving.redrives import Means, Redrives
from app.routes.loading import load_table
from app.settings import Settings

LOOK_S = 0.1
END_TIMEOUT_S = 30.0
EXIT_FAILED = 1
LETTER_COLUMNS = ("partition", "offset", "failed_at", "source", "error_class", "error_message", "redriven")


@dataclass(frozen=True, slots=True)
class Connected:
    """What these commands work with."""

    settings: Settings
    cluster: Cluster
    memory: RedriveMemory
    redrives: Redrives


@asynccontextmanager
async def _connected() -> AsyncIterator[Connected]:
    settings, monitor = kafka_settings(), Monitor()
    open_reader = partial(TopicReader, settings, settings.kafka_bootstrap_servers)
    async with connect_cluster(settings, monitor) as cluster, connect_producer(settings, cluster, monitor) as producer:
        topic = fleet_topics(settings.fleet_name).redrives
        memory = RedriveMemory(topic, cluster, open_reader, monitor, create=settings.kafka_create_topics)
        redrives = Redrives(Means(cluster, producer, open_reader, monitor), memory)
        try:
            yield Connected(settings, cluster, memory, redrives)
        finally:
            await redrives.stop()


@click.group()
def dlq() -> None:
    """List dead letters, see why they are there, and send them back.

    What was sent back is remembered in Kafka and never sent twice, whoever did it: this command, or the dashboard of
    any instance.
    """


@dlq.command("list")
@json_option
def list_topics(as_json: bool) -> int:
    """List the DLQ topics of the routing table, with what stands in each."""

    async def work() -> list[dict[str, Any]]:
        async with _connected() as at:
            names = load_table(at.settings).dead_letter_topics() | ({at.settings.http_async_dlq_topic} - {""})
            topics = DeadLetterTopics(at.cluster, explorer_of(at.settings))
            return [dict(await topics.row(name, None)) for name in sorted(names)]

    rows = run(work())
    if not as_json:
        for row in rows:
            row["reasons"] = [f"{reason['error_class']} ({reason['count']})" for reason in row["reasons"]]
    columns = ("topic", "messages", "per_min", "last_at", "reasons", "sources")
    show_rows(columns, rows, as_json=as_json, empty="The routing table has no dead letters.")
    return 0


@dlq.command()
@click.argument("topic")
@click.option("--partition", type=click.IntRange(min=0), help="Only this one.")
@click.option("--offset", type=click.IntRange(min=0), help="Only this letter of --partition, whole.")
@click.option("--limit", type=click.IntRange(min=1, max=10_000), default=50, show_default=True)
@json_option
def show(topic: str, partition: int | None, offset: int | None, limit: int, as_json: bool) -> int:
    """Show the newest letters of TOPIC: where each came from, why it is there, and whether it went back."""
    if offset is not None and partition is None:
        raise click.UsageError("--offset needs a --partition")

    async def work() -> list[dict[str, Any]]:
        async with _connected() as at:
            explorer = explorer_of(at.settings)
            records: Sequence[StoredRecord]
            if partition is not None and offset is not None:
                records = [(await explorer.message(topic, partition, offset, "read_committed")).message]
            else:
                records = (await explorer.page(WantedMessages(topic, partition=partition), limit)).messages
            redriven = await at.redrives.shown(topic)
            hidden = topic_access(at.settings).masked(topic)
            return [_letter(record, redriven, hidden) for record in records]

    letters = run(work())
    if as_json or offset is not None:
        show_json(letters)
    else:
        show_rows(LETTER_COLUMNS, [_row(letter) for letter in letters], as_json=False, empty="There are no letters.")
    return 0


def _letter(record: StoredRecord, redriven: Redriven | None, hidden: bool) -> dict[str, Any]:
    death = death_of(record) | ({"error_message": None} if hidden else {})
    went_back = None if redriven is None else record.offset in redriven.get(record.partition, ())
    document = message_document(record, shown_as(LIST_LETTERS, hidden))
    return {**document, "dead": {**death, "redriven": went_back}}


def _row(letter: dict[str, Any]) -> dict[str, Any]:
    dead = letter["dead"]
    source = "-" if dead["source_topic"] is None else f"{dead['source_topic']}-{dead['source_partition']}"
    where = f"{source}:{dead['source_offset']}"
    message = (dead["error_message"] or "-").partition("\n")[0]
    return {"partition": letter["partition"], "offset": letter["offset"], **dead, "source": where} | {
        "error_message": message
    }


@dlq.command()
@click.argument("topic")
@click.option("--partition", type=click.IntRange(min=0), help="Where the --offset letters are.")
@click.option("--offset", "offsets", type=click.IntRange(min=0), multiple=True, help="This one; may be given again.")
@click.option("--all", "every", is_flag=True, help="All that have not gone back.")
@click.option("--to", "target", metavar="TOPIC", help="Another topic; by default where each came from.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="At most so many a second.")
@click.option("--dry-run", is_flag=True, help="Count what would be sent, and send nothing.")
@click.option("--forget", is_flag=True, help="Send also where it cannot be remembered that they went back.")
@yes_option
@json_option
def redrive(topic: str, yes: bool, forget: bool, as_json: bool, **options: Any) -> int:
    """Send letters of TOPIC back: key, payload and headers as they were, without the headers of the failure.

    Each goes back once: run again it goes on where it was. Ctrl-C ends it between two transactions.

    Exit codes: 0 all are sent, 1 it failed, was cancelled, or some could not be sent.
    """
    wanted = _wanted(topic, **options)

    async def work() -> Redrive | None:
        async with _connected() as at:
            records = None if wanted.records is None else {one: list(more) for one, more in wanted.records.items()}
            await check_redrive(at.cluster, topic, records, wanted.target)
            if not wanted.dry_run:
                await check_memory(at.memory, forget=forget)
                if not agreed(_question(wanted), yes):
                    return None
            return await _to_its_end(at.redrives, wanted)

    done = run(work())
    if done is None:
        return EXIT_FAILED
    _tell(done, as_json=as_json)
    return 0 if done.state == "done" and not done.counts.failed else EXIT_FAILED


def _wanted(topic: str, **options: Any) -> Wanted:
    partition, offsets, every = options["partition"], options["offsets"], options["every"]
    if every == bool(offsets):
        raise click.UsageError("Either --all, or one or more --offset with their --partition")
    if offsets and partition is None:
        raise click.UsageError("--offset needs a --partition")
    if every and partition is not None:
        raise click.UsageError("--partition goes with --offset")
    records = {partition: list(offsets)} if offsets else None
    return Wanted(topic, f"{getpass.getuser()} (cli)", records, options["target"], options["rate"], options["dry_run"])


async def check_memory(memory: RedriveMemory, *, forget: bool) -> None:
    """Raises UsageError where what is sent would be sent again by the next redrive."""
    await memory.prepare()
    if memory.why_not_kept is not None and not forget:
        raise click.UsageError(
            f"It could not be remembered what went back: {memory.why_not_kept}. Create it, compacted, "
            "or run this command with KAFKA_CREATE_TOPICS=true; --forget sends all the same"
        )


def _question(wanted: Wanted) -> str:
    number = "all letters" if wanted.records is None else f"{sum(map(len, wanted.records.values()))} letters"
    return f"Send {number} of {wanted.topic} to {wanted.target or 'where each came from'}?"


async def _to_its_end(redrives: Redrives, wanted: Wanted) -> Redrive:
    """Waits until it is over; cancelled with whoever waits, after the transaction at hand."""
    running = await redrives.begin(wanted)
    with Progress("looked at" if wanted.dry_run else "sent or skipped") as progress:
        try:
            while running.state == "running":
                await asyncio.sleep(LOOK_S)
                counts = running.counts
                progress.total = running.total
                progress.show(counts.done + counts.skipped + counts.failed, f"{counts.failed} failed")
        except asyncio.CancelledError:
            redrives.cancel(running.id)
            async with asyncio.timeout(END_TIMEOUT_S):
                while running.state == "running":
                    await asyncio.sleep(LOOK_S)
    return running


def _tell(done: Redrive, *, as_json: bool) -> None:
    if as_json:
        show_json(redrive_row(done))
        return
    counts = done.counts
    verb = "would be sent" if done.wanted.dry_run else "sent"
    parts = [f"{counts.done} {verb}", f"{counts.skipped} had gone back before", f"{counts.failed} failed"]
    click.echo(f"{done.state}: {', '.join(parts)}.")
    if reason := done.detail or counts.why:
        remark(reason)
    if done.not_kept is not None:
        remark(f"It is not remembered that they went back: {done.not_kept}")
