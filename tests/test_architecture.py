"""Storeys: a module imports only from storeys below its own, and libraries stay where they belong."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "app"
STOREYS = {
    "app": -1,
    "app.errors": 0,
    "app.error_words": 0,
    "app.settings": 0,
    "app.http_client": 0,
    "app.importing": 1,
    "app.serialization": 0,
    "app.messages": 1,
    "app.events": 2,
    "app.lifecycle": 3,
    "app.kafka": 3,
    "app.producing": 4,
    "app.producer": 5,
    "app.consumer": 6,
    "app.routes": 7,
    "app.declaring": 8,
    "app.consuming": 8,
    "app.observing": 8,
    "app.exploring": 8,
    "app.routing": 9,
    "app.topics": 9,
    "app.consumers": 9,
    "app.fleet": 9,
    "app.redriving": 9,
    "app.api": 10,
    "app.dashboard": 10,
    "app.doctoring": 11,
    "app.verifying": 10,
    "app.main": 11,
    "app.cli": 12,
    "app.testing": 12,
    "app.__main__": 13,
}
LIBRARIES = {
    "aiokafka": ("app.kafka", "app.producing"),
    "fastapi": ("app.main", "app.api", "app.dashboard"),
    "confluent_kafka": ("app.kafka",),
    "opentelemetry": ("app.observing.tracing",),
}
MAY_IMPORT_WITHIN_STOREY = {
    ("app.routing", "app.consumers"),
    ("app.settings", "app.errors"),
    ("app.dashboard", "app.api"),
}
TASK_OWNERS = {
    "app.kafka.tasks",
    "app.kafka.cluster",
    "app.kafka.connecting",
    "app.kafka.consumer_client",
    "app.producing.clients",
    "app.producing.dispatcher",
    "app.producing.owned_tasks",
    "app.producing.flushing",
    "app.producer",
    "app.consuming.membership",
    "app.consuming.workers",
    "app.consuming.group",
    "app.consuming.runtime",
    "app.observing.loop_lag",
    "app.fleet.commands",
    "app.fleet.fleet",
    "app.fleet.states",
    "app.redriving.redrives",
    "app.api.ndjson",
    "app.dashboard.attended",
    "app.dashboard.event_stream",
    "app.main",
    "app.cli.console",
    "app.cli.http_server",
    "app.cli.server",
    "app.cli.verify",
    "app.verifying.canary",
    "app.testing.engine",
}
MODULES = sorted(APP.rglob("*.py"))
OPTIONAL = {"opentelemetry", "compression"}
"""Imported only where they are there: the extra `otel`, and the standard library of Python 3.14."""


def name_of(path: Path) -> str:
    parts = path.relative_to(APP.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    return max((part for part in STOREYS if module == part or module.startswith(part + ".")), key=len)


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_storeys_below_its_own(path: Path) -> None:
    module = name_of(path)
    own = part_of(module)
    for imported in imports_of(path):
        if imported == "app" or not imported.startswith("app."):
            continue
        other = part_of(imported)
        allowed = other == own or STOREYS[other] < STOREYS[own] or (own, other) in MAY_IMPORT_WITHIN_STOREY
        typing_only = (own, other) == ("app.consumer", "app.producer")
        assert allowed or typing_only, f"{module} (storey {STOREYS[own]}) imports {imported} ({STOREYS[other]})"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_libraries_stay_behind_their_seams(path: Path) -> None:
    module = name_of(path)
    for imported in imports_of(path):
        places = LIBRARIES.get(imported.partition(".")[0])
        assert places is None or any(module == at or module.startswith(at + ".") for at in places), (
            f"{module} imports {imported}"
        )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_tasks_are_made_only_by_modules_that_own_them(path: Path) -> None:
    makers = {
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    }
    if makers & {"create_task", "ensure_future", "TaskGroup"}:
        assert name_of(path) in TASK_OWNERS


def test_only_what_the_image_installs_is_imported() -> None:
    locked = re.findall(r"^([a-z0-9._-]+)(?:\\[.*\\])?==", (APP.parent / "requirements" / "run.txt").read_text(), re.M)
    known = {name.replace("-", "_").removesuffix("_zstd") for name in locked} | OPTIONAL | sys.stdlib_module_names
    known |= {"app"}
    imported = {name.partition(".")[0] for path in MODULES for name in imports_of(path)}
    assert imported <= known, sorted(imported - known)
