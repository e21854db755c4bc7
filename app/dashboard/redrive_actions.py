"""Sending dead letters back: beginning, watching and cancelling redrives."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from app.api.problems import Refusal
from app.dashboard.action_bodies import ActionBody, invalid
from app.dashboard.actions import Action, Answer, Asked
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.pages import Page
from app.dashboard.queries import Query
from app.errors import Fault
from app.kafka.protocols import TopicView
from app.observing.group_figures import rfc_3339
from app.redriving.letters import is_internal
from app.redriving.redrive import Redrive, Wanted
from app.redriving.redrives import RedriveRefused, Redrives

ACCEPTED = 202
MOST_RECORDS = 10_000
MOST_RATE = 1_000_000
RECORDS = f'must be "all" or a list of 1 to {MOST_RECORDS} pairs [partition, offset]'
LOOKUP_TIMEOUT_S = 5.0


def picked_records(records: Any) -> dict[int, list[int]] | None:
    """Offsets by partition of the member `records`; None: all. Raises ValueError."""
    if records == "all":
        return None
    if not isinstance(records, list) or not 0 < len(records) <= MOST_RECORDS:
        raise ValueError(RECORDS)
    picked: dict[int, list[int]] = {}
    for pair in records:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_number, pair)):
            raise ValueError(RECORDS)
        picked.setdefault(pair[0], []).append(pair[1])
    return picked


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


class RedriveBody(ActionBody):
    """`target` None: where each came from. `dry_run`: only counts what would be done."""

    records: Annotated[Any, AfterValidator(picked_records)]
    target: str | None = None
    rate_per_s: Annotated[float, Field(gt=0, le=MOST_RATE, allow_inf_nan=False)] | None = None
    dry_run: bool = False


class NoBody(ActionBody):
    """Nothing is to be said."""


def redrive_actions(redrives: Redrives, cluster: TopicView) -> list[Action[Any]]:
    """Beginning and cancelling."""

    async def begin(asked: Asked[RedriveBody]) -> Answer:
        topic, body = asked.path["topic"], asked.body
        await check_redrive(cluster, topic, body.records, body.target)
        wanted = Wanted(topic, asked.by, body.records, body.target, body.rate_per_s, body.dry_run)
        try:
            redrive = await redrives.begin(wanted)
        except RedriveRefused as refused:
            raise Refusal("conflict", str(refused)) from None
        return Answer(redrive_row(redrive), ACCEPTED, _in_words(wanted), acted=not body.dry_run)

    async def cancel(asked: Asked[NoBody]) -> Answer:
        redrive = redrives.cancel(asked.path["id"])
        if redrive is None:
            raise _unknown(asked.path["id"])
        return Answer(redrive_row(redrive))

    return [
        Action(
            "dead_letters.redrive",
            "/dashboard/api/dead-letters/{topic}/redrive",
            RedriveBody,
            begin,
            lambda asked: asked.path["topic"],
        ),
        Action(
            "dead_letters.cancel",
            "/dashboard/api/redrives/{id}",
            NoBody,
            cancel,
            lambda asked: asked.path["id"],
            method="DELETE",
            while_quiet=True,
        ),
    ]


def redrive_pages(redrives: Redrives) -> Iterator[Page]:
    """The list, and one."""

    def every(_: Query) -> Document:
        return dated({"redrives": [redrive_row(redrive) for redrive in redrives.all()]})

    def one(query: Query) -> Document:
        redrive = redrives.get(query.path["id"])
        if redrive is None:
            raise _unknown(query.path["id"])
        return dated(redrive_row(redrive))

    yield Page("/dashboard/api/redrives", "Redrives", every)
    yield Page("/dashboard/api/redrives/{id}", "A redrive", one)


async def check_redrive(
    cluster: TopicView, topic: str, records: dict[int, list[int]] | None, target: str | None
) -> None:
    """Raises Refusal where it cannot work; KafkaUnavailable."""
    existing = await cluster.refresh(timeout_s=LOOKUP_TIMEOUT_S)
    if topic not in existing or is_internal(topic):
        raise Refusal("unknown_topic", f"There are no dead letters in a topic {topic}")
    if faults := [*_target_faults(topic, target, existing), *_record_faults(records, existing[topic])]:
        raise invalid(faults)


def _target_faults(topic: str, target: str | None, existing: Collection[str]) -> Iterator[Fault]:
    if target is None:
        return
    if target == topic:
        yield Fault("target", "must be another topic than that of the dead letters")
    elif is_internal(target):
        yield Fault("target", f"{target} is not written by operators")
    elif target not in existing:
        yield Fault("target", f"the topic {target} does not exist")


def _record_faults(records: dict[int, list[int]] | None, partitions: int) -> Iterator[Fault]:
    for partition in sorted(records or ()):
        if partition >= partitions:
            yield Fault("records", f"there is no partition {partition}, only 0 to {partitions - 1}")


def _unknown(redrive_id: str) -> Refusal:
    return Refusal("not_found", f"This instance knows no redrive {redrive_id}: the last 100 are kept while it runs")


def _in_words(wanted: Wanted) -> str:
    number = "all" if wanted.records is None else str(sum(map(len, wanted.records.values())))
    rate = "" if wanted.rate_per_s is None else f", at most {wanted.rate_per_s:g} a second"
    return f"{number} to {wanted.target or 'where each came from'}{rate}"


def redrive_row(redrive: Redrive) -> dict[str, Any]:
    """As JSON values."""
    wanted, counts = redrive.wanted, redrive.counts
    return {
        "id": redrive.id,
        "topic": wanted.topic,
        "target": wanted.target,
        "state": redrive.state,
        "dry_run": wanted.dry_run,
        "rate_per_s": wanted.rate_per_s,
        "total": redrive.total,
        "done": counts.done,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "by": wanted.by,
        "started_at": rfc_3339(redrive.started_at),
        "ended_at": redrive.ended_at and rfc_3339(redrive.ended_at),
        "detail": redrive.detail or counts.why,
        "kept": redrive.not_kept is None,
        "not_kept": redrive.not_kept,
    }
