"""`demijohn topics`: the declared topics and those that are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import click

from app.cli.asking import agreed, yes_option
from app.cli.connecting import with_admin
from app.cli.output import json_option, remark, show_json, show_rows
from app.declaring.applying import TIMEOUT_S, Tell, carry_out, look
from app.declaring.declarations import TopicDeclaration, load_declarations
from app.declaring.health import Finding, findings
from app.declaring.plan import AddPartitions, CreateTopic, Plan, Step
from app.errors import Fault, TopicsInvalid
from app.kafka.admin.protocol import Admin, TopicDescription
from app.settings import Settings

EXIT_FAILED, EXIT_DIFFERS = 1, 2


@click.group()
def topics() -> None:
    """Compare the declared topics with Kafka, and make them so.

    They are declared in app/topics.py, or what DECLARED_TOPICS names. Nothing is ever done to a topic that is not
    declared.
    """


@topics.command("list")
@json_option
def list_topics(as_json: bool) -> int:
    """List the topics that are there, and the declared ones that are not."""

    async def work(admin: Admin, settings: Settings) -> list[dict[str, Any]]:
        declared = [one.topic for one in load_declarations(settings)]
        existing = await admin.topics(timeout_s=TIMEOUT_S)
        rows = [_row(one, declared) for one in existing.values() if not one.internal]
        return rows + [{"topic": name, "declared": True} for name in declared if name not in existing]

    columns = ("topic", "partitions", "replicas", "declared")
    rows = sorted(with_admin(work), key=lambda row: str(row["topic"]))
    show_rows(columns, rows, as_json=as_json, empty="There are no topics.")
    return 0


def _row(found: TopicDescription, declared: Collection[str]) -> dict[str, Any]:
    return {
        "topic": found.topic,
        "partitions": len(found.partitions),
        "replicas": max((len(one.replicas) for one in found.partitions), default=0),
        "declared": found.topic in declared,
    }


@topics.command()
@json_option
def plan(as_json: bool) -> int:
    """Show what `migrate` would do, and change nothing.

    Exit codes: 0 nothing to do, 1 it failed, 2 there are differences.
    """
    found = with_admin(lambda admin, settings: look(admin, load_declarations(settings)))
    _show(found, as_json=as_json)
    return EXIT_DIFFERS if found.steps or found.impossible else 0


@topics.command()
@yes_option
@json_option
def migrate(yes: bool, as_json: bool) -> int:
    """Create what is missing, add partitions, change configuration. Deletes nothing.

    Exit codes: 0 all is as declared, 1 it failed, 2 a difference is left that no change can mend.
    """

    async def work(admin: Admin, settings: Settings) -> Plan:
        found = await look(admin, load_declarations(settings))
        if not as_json:
            _show(found, as_json=False)
        if found.steps and _confirmed(found.steps, yes):
            await carry_out(admin, found.steps, _telling(as_json))
        return found

    made = with_admin(work)
    if as_json:
        _show(made, as_json=True)
    return EXIT_DIFFERS if made.impossible else 0


@topics.command()
@click.argument("names", nargs=-1)
@json_option
def create(names: Sequence[str], as_json: bool) -> int:
    """Create the declared topics that are missing; with NAMES only those. Changes no other."""
    return _carry_out(CreateTopic, names, yes=True, as_json=as_json)


@topics.command()
@click.argument("names", nargs=-1)
@yes_option
@json_option
def repartition(names: Sequence[str], yes: bool, as_json: bool) -> int:
    """Add partitions where more are declared; with NAMES only those. Keys move to other partitions."""
    return _carry_out(AddPartitions, names, yes=yes, as_json=as_json)


def _carry_out(kind: type[Step], names: Sequence[str], *, yes: bool, as_json: bool) -> int:
    async def work(admin: Admin, settings: Settings) -> list[Step]:
        declared = load_declarations(settings)
        chosen = _chosen(declared, names)
        steps = [step for step in (await look(admin, chosen)).steps if isinstance(step, kind)]
        if not steps and not as_json:
            click.echo("Nothing to do.")
        if steps and _confirmed(steps, yes):
            await carry_out(admin, steps, _telling(as_json))
        return steps

    made = with_admin(work)
    if as_json:
        show_json({"steps": [_document(step) for step in made]})
    return 0


@topics.command()
@click.argument("names", nargs=-1, required=True)
@yes_option
@json_option
def delete(names: Sequence[str], yes: bool, as_json: bool) -> int:
    """Delete declared topics, with all their messages. They have to be named."""

    async def work(admin: Admin, settings: Settings) -> list[str]:
        chosen = [one.topic for one in _chosen(load_declarations(settings), names)]
        existing = await admin.topics(timeout_s=TIMEOUT_S)
        there = [name for name in chosen if name in existing]
        for name in set(chosen) - set(there):
            remark(f"{name} does not exist")
        if there and agreed(f"Delete {', '.join(there)} with all messages?", yes):
            for name in there:
                if not as_json:
                    click.echo(f"delete {name}")
                await admin.delete_topic(name, timeout_s=TIMEOUT_S)
        return there

    deleted = with_admin(work)
    if as_json:
        show_json({"deleted": deleted})
    return 0


@topics.command()
@json_option
def health(as_json: bool) -> int:
    """Check every topic: leaders, replicas, and whether a broker may fail.

    Exit codes: 0 all is well, 1 it failed, 2 something was found.
    """

    async def work(admin: Admin, _: Settings) -> list[Finding]:
        existing = {name: one for name, one in (await admin.topics(timeout_s=TIMEOUT_S)).items() if not one.internal}
        configs = await admin.configs(list(existing), timeout_s=TIMEOUT_S) if existing else {}
        return list(findings(existing.values(), configs))

    found = with_admin(work)
    rows = [{"topic": one.topic, "level": one.level, "finding": one.text} for one in found]
    show_rows(("topic", "level", "finding"), rows, as_json=as_json, empty="Every topic is well.")
    return EXIT_DIFFERS if any(one.level == "bad" for one in found) else 0


def _chosen(declared: Sequence[TopicDeclaration], names: Sequence[str]) -> list[TopicDeclaration]:
    """The declarations of `names`; no names: all. Raises TopicsInvalid where one is not declared."""
    known = {one.topic: one for one in declared}
    if faults := [Fault(name, "is not declared") for name in names if name not in known]:
        raise TopicsInvalid(faults)
    return [known[name] for name in names] if names else list(declared)


def _show(found: Plan, *, as_json: bool) -> None:
    if as_json:
        steps = [_document(step) for step in found.steps]
        show_json(
            {"steps": steps, "impossible": [{"topic": one.topic, "detail": one.text} for one in found.impossible]}
        )
        return
    for step in found.steps:
        _tell(step)
    for one in found.impossible:
        remark(f"cannot be mended: {one.text}")
    if not found.steps and not found.impossible:
        click.echo("Every declared topic is as declared.")


def _document(step: Step) -> dict[str, Any]:
    return {"topic": step.topic, "step": step.text, "warning": step.warning}


def _tell(step: Step) -> None:
    click.echo(step.text)


def _telling(as_json: bool) -> Tell:
    """Tells of each step as it is made; programs get all of them at the end."""
    return (lambda _: None) if as_json else _tell


def _confirmed(steps: Sequence[Step], yes: bool) -> bool:
    for warning in filter(None, (step.warning for step in steps)):
        remark(f"Mind: {warning}")
    return agreed(f"Make {len(steps)} change{'s' if len(steps) > 1 else ''}?", yes)
