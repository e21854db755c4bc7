"""`demijohn doctor`: why the service cannot run here, or will not run well."""

from __future__ import annotations

from dataclasses import asdict

import click

from app.cli.connecting import connect_admin, run
from app.cli.output import json_option, remark, show_json
from app.doctoring.examination import Answer, Check, Finding, examine
from app.doctoring.kafka import kafka_checks
from app.doctoring.own import own_checks
from app.errors import RoutesInvalid, SettingsInvalid
from app.routes.loading import load_table
from app.routes.table import RoutingTable
from app.settings import Settings, load_settings

EXIT_FAILED = 1
MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL", "skipped": "-   "}
COLOURS = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": "white"}


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check whether the service can run here.

    Looks at settings, files, the way to Kafka, topics and groups. Each check that fails says what to do; those that
    need it are skipped. Changes nothing, and ends within some 15 s also where Kafka does not answer.

    Exit codes: 0 nothing failed, 1 something did; warnings are for you to judge.
    """
    try:
        settings = load_settings()
    except SettingsInvalid as error:
        found = run(_run(_without_settings(error), shown=not as_json))
    else:
        found = run(_examine(settings, shown=not as_json))
    if as_json:
        show_json([asdict(one) for one in found])
    else:
        _sum_up(found)
    return EXIT_FAILED if any(one.state == "fail" for one in found) else 0


async def _examine(settings: Settings, *, shown: bool) -> list[Finding]:
    table = _table(settings)
    own = own_checks(settings, table)
    if settings.embedded:
        return await _run(own, shown=shown)
    known = RoutingTable(()) if isinstance(table, RoutesInvalid) else table
    async with connect_admin(settings) as admin:
        return await _run([*own, *kafka_checks(settings, known, admin)], shown=shown)


def _table(settings: Settings) -> RoutingTable | RoutesInvalid:
    try:
        return load_table(settings)
    except RoutesInvalid as error:
        return error


def _without_settings(error: SettingsInvalid) -> list[Check]:
    async def settings() -> Answer:
        raise error

    remedy = "Correct the settings that are named, in the environment or in .env"
    return [Check("settings", settings, remedy), Check("everything else", settings, remedy, ("settings",))]


async def _run(checks: list[Check], *, shown: bool) -> list[Finding]:
    found = []
    async for one in examine(checks):
        found.append(one)
        if shown:
            _show(one)
    return found


def _show(one: Finding) -> None:
    click.echo(f"{click.style(MARKS[one.state], fg=COLOURS[one.state])}  {one.check}: {one.detail}")
    if one.remedy is not None:
        click.echo(f"      -> {one.remedy}")


def _sum_up(found: list[Finding]) -> None:
    counts = {state: sum(one.state == state for one in found) for state in MARKS}
    remark(", ".join(f"{count} {state}" for state, count in counts.items() if count) + ".")
