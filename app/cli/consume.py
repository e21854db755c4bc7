"""`demijohn consume` and `demijohn tail`: what stands in a topic, read without a group."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import partial
from typing import Any

import click
import orjson

from app.cli.connecting import kafka_settings, run
from app.cli.output import json_option
from app.cli.places import offset_or_time
from app.dashboard.message_documents import WHOLE_LETTERS, message_document, shown_as, time_of
from app.dashboard.topic_access import topic_access
from app.exploring.contents import Content
from app.exploring.explorer import Explorer, Wanted
from app.exploring.searching import PLACES, containing, everything
from app.kafka.connection import prepare_aiokafka
from app.kafka.log_reader import StoredRecord, make_reader
from app.settings import Settings

LIMIT = 50
MOST_ON_A_PAGE = 10_000
LINE_LETTERS = 64 * 1024


@click.command()
@click.argument("topic")
@click.option(
    "--from",
    "place",
    default="newest",
    show_default=True,
    metavar="PLACE",
    help="newest: the last --limit messages; or oldest, an offset, a time (RFC 3339).",
)
@click.option("--partition", type=click.IntRange(min=0), help="Only this one.")
@click.option("--limit", type=click.IntRange(min=0), help=f"So many at most; 0: all. By default {LIMIT} of the newest.")
@click.option("--follow", "-f", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--grep", metavar="TEXT", help="Only messages with this text in key, value or headers.")
@click.option("--uncommitted", is_flag=True, help="Also of transactions that are open or were aborted.")
@json_option
def consume(place: str, limit: int | None, follow: bool, as_json: bool, **filters: Any) -> int:
    """Print messages of TOPIC. Joins no group, commits nothing, and disturbs no consumer.

    Each line is partition:offset, time, key and value, with tabs between; --json prints an object a line, with headers.
    Topics of DASHBOARD_MASKED_TOPICS show sizes only.
    """
    wanted = wanted_of(place, **filters)
    run(_print(wanted, place == "newest", limit, follow=follow, as_json=as_json))
    return 0


@click.command()
@click.argument("topic")
@click.option("--partition", type=click.IntRange(min=0), help="Only this one.")
@click.option("--grep", metavar="TEXT", help="Only messages with this text in key, value or headers.")
@json_option
def tail(as_json: bool, **filters: Any) -> int:
    """Print what comes to TOPIC from now on.

    The last 10 messages come first. It is `consume --from newest --limit 10 --follow`.
    """
    run(_print(wanted_of("newest", uncommitted=False, **filters), True, 10, follow=True, as_json=as_json))
    return 0


def wanted_of(place: str, topic: str, partition: int | None, grep: str | None, uncommitted: bool) -> Wanted:
    """Which messages the options ask for. Raises BadParameter."""
    wanted = Wanted(
        topic,
        "older" if place == "newest" else "newer",
        partition=partition,
        isolation="read_uncommitted" if uncommitted else "read_committed",
        matches=containing(grep, PLACES) if grep else everything,
    )
    if place in ("newest", "oldest"):
        return wanted
    offset, timestamp = offset_or_time(place)
    return replace(wanted, offset=offset, timestamp=timestamp)


async def _print(wanted: Wanted, newest: bool, limit: int | None, *, follow: bool, as_json: bool) -> None:
    settings = kafka_settings()
    prepare_aiokafka()
    explorer = explorer_of(settings)
    hidden = topic_access(settings).masked(wanted.topic)
    if hidden and wanted.matches is not everything:
        raise click.UsageError(f"{wanted.topic} is masked: what is in its messages cannot be searched")
    if newest:
        records = _newest(explorer, wanted, LIMIT if limit is None else limit, follow=follow)
    else:
        records = _at_most(explorer.read(wanted, follow=follow), limit or None)
    async with contextlib.aclosing(records):
        async for record in records:
            click.echo(json_line(wanted.topic, record, hidden) if as_json else text_line(record, hidden))


async def _at_most(
    records: AsyncGenerator[StoredRecord, None], limit: int | None
) -> AsyncGenerator[StoredRecord, None]:
    left = limit
    async with contextlib.aclosing(records):
        async for record in records:
            yield record
            left = left and left - 1
            if left == 0:
                return


async def _newest(
    explorer: Explorer, wanted: Wanted, limit: int, *, follow: bool
) -> AsyncGenerator[StoredRecord, None]:
    """The last `limit` (0: all), the oldest of them first, then what follows."""
    if limit == 0:
        async with contextlib.aclosing(explorer.read(replace(wanted, towards="newer"), follow=follow)) as records:
            async for record in records:
                yield record
        return
    found: list[StoredRecord] = []
    page = await explorer.page(wanted, min(limit, MOST_ON_A_PAGE))
    onwards = page.newer
    found += page.messages
    while len(found) < limit and page.ended != "end" and page.older is not None:
        page = await explorer.page(replace(wanted, start=page.older), min(limit - len(found), MOST_ON_A_PAGE))
        found += page.messages
    for record in reversed(found):
        yield record
    if follow and onwards is not None:
        async with contextlib.aclosing(
            explorer.read(replace(wanted, towards="newer", start=onwards), follow=True)
        ) as coming:
            async for record in coming:
                yield record


def json_line(topic: str, record: StoredRecord, hidden: bool) -> str:
    """One object, as the dashboard's explorer shows a message."""
    return orjson.dumps({"topic": topic, **message_document(record, shown_as(WHOLE_LETTERS, hidden))}).decode()


def text_line(record: StoredRecord, hidden: bool) -> str:
    """`partition:offset`, time, key and value, with tabs between."""
    show = shown_as(LINE_LETTERS, hidden)
    parts = (show(record.key), show(record.value))
    key, value = (one_line(part, raw) for part, raw in zip(parts, (record.key, record.value), strict=True))
    return "\t".join((f"{record.partition}:{record.offset}", time_of(record.timestamp) or "-", key, value))


def one_line(content: Content, raw: bytes | None) -> str:
    """A key or a value on one line: JSON as it was written, but for its line breaks."""
    if content.form == "null":
        return "null"
    if content.form == "masked":
        return f"({content.size} bytes, masked)"
    text = content.text or ""
    if content.form == "json" and raw is not None:
        text = raw[:LINE_LETTERS].decode("utf-8", "replace")
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")
    return f"{text}…" if content.truncated else text


def explorer_of(settings: Settings) -> Explorer:
    """Looks into topics of the brokers that the settings name."""
    return Explorer(partial(make_reader, settings, settings.kafka_bootstrap_servers))
