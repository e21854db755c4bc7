"""`demijohn groups`: consumer groups, how far they are behind, and where they go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click

from app.cli.asking import agreed, yes_option
from app.cli.connecting import with_admin
from app.cli.output import json_option, remark, show_json, show_rows
from app.errors import NoSuchResource
from app.kafka.admin.protocol import Admin, OffsetAt
from app.messages import TopicPartition
from app.settings import Settings

TIMEOUT_S = 15.0
MOVE_COLUMNS = ("topic", "partition", "old", "new", "again", "skipped")


@click.group()
def groups() -> None:
    """List consumer groups, see their lag, and move them.

    A group is moved here only while it has no members; the dashboard seeks a running one.
    """


@groups.command("list")
@json_option
def list_groups(as_json: bool) -> int:
    """List every group of the cluster."""

    async def work(admin: Admin, _: Settings) -> list[dict[str, Any]]:
        listed = await admin.groups(timeout_s=TIMEOUT_S)
        described = await admin.describe_groups([one.group for one in listed], timeout_s=TIMEOUT_S) if listed else {}
        return [
            {"group": one.group, "state": one.state, "kind": one.kind, "members": len(described[one.group].members)}
            for one in sorted(listed, key=lambda found: found.group)
            if one.group in described
        ]

    show_rows(("group", "state", "kind", "members"), with_admin(work), as_json=as_json, empty="There are no groups.")
    return 0


@groups.command()
@click.argument("group")
@json_option
def lag(group: str, as_json: bool) -> int:
    """Show where GROUP stands in each partition that it has committed, and who reads it.

    Exit codes: 0, also with lag; 1 it failed, or there is no such group.
    """

    async def work(admin: Admin, _: Settings) -> list[dict[str, Any]]:
        committed = await _committed(admin, group)
        ends = await admin.offsets(list(committed), "latest", timeout_s=TIMEOUT_S)
        members = (await admin.describe_groups([group], timeout_s=TIMEOUT_S))[group].members
        owners = {at: member.instance_id or member.client_id for member in members for at in member.partitions}
        return [_lag_row(at, committed[at], ends.get(at), owners) for at in sorted(committed)]

    columns = ("topic", "partition", "committed", "end", "lag", "member")
    show_rows(columns, with_admin(work), as_json=as_json, empty=f"{group} has committed nothing.")
    return 0


def _lag_row(
    at: TopicPartition, committed: int, end: int | None, owners: Mapping[TopicPartition, str]
) -> dict[str, Any]:
    return {
        "topic": at.topic,
        "partition": at.partition,
        "committed": committed,
        "end": end,
        "lag": None if end is None else max(0, end - committed),
        "member": owners.get(at),
    }


@groups.command()
@click.argument("group")
@click.argument("topic")
@click.option("--partition", type=click.IntRange(min=0), help="Only this partition; by default all.")
@click.option(
    "--to", "target", required=True, metavar="PLACE", help="earliest, latest, an offset, or a time (RFC 3339)."
)
@yes_option
@json_option
def seek(group: str, topic: str, partition: int | None, target: str, yes: bool, as_json: bool) -> int:
    """Move GROUP in TOPIC, after showing what would be read again or skipped."""
    place = _place(target)

    async def work(admin: Admin, _: Settings) -> None:
        partitions = await _partitions(admin, topic, partition)
        moves = await _moves(admin, group, partitions, place)
        show_rows(MOVE_COLUMNS, moves, as_json=as_json, empty="Nothing to move.")
        if agreed(f"Move {group}?", yes):
            offsets = {TopicPartition(topic, row["partition"]): row["new"] for row in moves}
            await admin.alter_offsets(group, offsets, timeout_s=TIMEOUT_S)
            remark("Moved.")

    with_admin(work)
    return 0


@groups.command()
@click.argument("group")
@click.argument("topic")
@yes_option
@json_option
def reset(group: str, topic: str, yes: bool, as_json: bool) -> int:
    """Forget what GROUP has committed in TOPIC: it begins anew, where its table says."""

    async def work(admin: Admin, _: Settings) -> int:
        known = [at for at in await _committed(admin, group) if at.topic == topic]
        if not known:
            remark(f"{group} has committed nothing in {topic}")
        elif agreed(f"Forget {len(known)} offsets of {group} in {topic}?", yes):
            await admin.delete_offsets(group, known, timeout_s=TIMEOUT_S)
            remark("Forgotten.")
        return len(known)

    forgotten = with_admin(work)
    if as_json:
        show_json({"group": group, "topic": topic, "forgotten": forgotten})
    return 0


@groups.command()
@click.argument("source")
@click.argument("target")
@click.option("--topic", "topics", multiple=True, help="Only this topic; may be given again.")
@yes_option
@json_option
def copy(source: str, target: str, topics: Sequence[str], yes: bool, as_json: bool) -> int:
    """Give TARGET the committed offsets of SOURCE: so a group gets another name."""

    async def work(admin: Admin, _: Settings) -> int:
        known = await _committed(admin, source)
        chosen = {at: offset for at, offset in known.items() if not topics or at.topic in topics}
        if not chosen:
            raise NoSuchResource("UNKNOWN_TOPIC_OR_PARTITION", f"{source} has committed nothing there")
        if agreed(f"Commit {len(chosen)} offsets for {target}?", yes):
            await admin.alter_offsets(target, chosen, timeout_s=TIMEOUT_S)
            remark(f"{target} goes on where {source} stands.")
        return len(chosen)

    committed = with_admin(work)
    if as_json:
        show_json({"source": source, "target": target, "committed": committed})
    return 0


@groups.command()
@click.argument("names", nargs=-1, required=True)
@yes_option
@json_option
def delete(names: Sequence[str], yes: bool, as_json: bool) -> int:
    """Delete groups without members, and everything that they have committed."""

    async def work(admin: Admin, _: Settings) -> None:
        if agreed(f"Delete {', '.join(names)}?", yes):
            await admin.delete_groups(list(names), timeout_s=TIMEOUT_S)
            remark("Deleted.")

    with_admin(work)
    if as_json:
        show_json({"deleted": list(names)})
    return 0


async def _committed(admin: Admin, group: str) -> Mapping[TopicPartition, int]:
    """What a group has committed. Raises NoSuchResource where there is no such group."""
    if group not in {one.group for one in await admin.groups(timeout_s=TIMEOUT_S)}:
        raise NoSuchResource("GROUP_ID_NOT_FOUND", f"There is no group {group}")
    return await admin.committed(group, timeout_s=TIMEOUT_S)


async def _partitions(admin: Admin, topic: str, partition: int | None) -> list[TopicPartition]:
    found = (await admin.topics(timeout_s=TIMEOUT_S)).get(topic)
    numbers = [] if found is None else [one.partition for one in found.partitions]
    if found is None or (partition is not None and partition not in numbers):
        place = topic if partition is None else f"{topic}-{partition}"
        raise NoSuchResource("UNKNOWN_TOPIC_OR_PARTITION", f"There is no {place}")
    return [TopicPartition(topic, number) for number in numbers if partition in (None, number)]


def _place(text: str) -> OffsetAt | tuple[int]:
    """`earliest`, `latest`, the time in milliseconds, or (offset,)."""
    if text == "earliest" or text == "latest":
        return "earliest" if text == "earliest" else "latest"
    if text.isascii() and text.isdigit():
        return (int(text),)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(f"{text!r} is no offset, no time with a zone, and neither earliest nor latest")
    return int(at.timestamp() * 1000)


async def _moves(
    admin: Admin, group: str, partitions: Sequence[TopicPartition], place: OffsetAt | tuple[int]
) -> list[dict[str, Any]]:
    """For each partition where it stands and where it would: a row of MOVE_COLUMNS."""
    known = await admin.committed(group, timeout_s=TIMEOUT_S)
    begins = await admin.offsets(partitions, "earliest", timeout_s=TIMEOUT_S)
    ends = await admin.offsets(partitions, "latest", timeout_s=TIMEOUT_S)
    found: Mapping[TopicPartition, int | None] = {}
    if not isinstance(place, tuple):
        found = await admin.offsets(partitions, place, timeout_s=TIMEOUT_S)
    rows = []
    for at in partitions:
        begin, end, old = begins[at] or 0, ends[at] or 0, known.get(at)
        wanted = place[0] if isinstance(place, tuple) else found.get(at)
        new = end if wanted is None else min(max(wanted, begin), end)
        stands = begin if old is None else min(max(old, begin), end)
        counts = {"again": max(0, stands - new), "skipped": max(0, new - stands)}
        rows.append({"topic": at.topic, "partition": at.partition, "old": old, "new": new, **counts})
    return rows
