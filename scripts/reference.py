"""Writes docs/reference: settings, commands, errors and events, as the code has them. `make docs` runs it."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from app import errors, events  # noqa: E402  # the path has to be there first
from app.api.problems import CODES  # noqa: E402
from app.cli.commands import demijohn  # noqa: E402
from app.settings import Settings  # noqa: E402

PAGES = ROOT / "docs" / "reference"
MADE = "\nThis page is made by `make docs` from {source}.\n"
WIDTH = 100
SECTIONS = {
    "KAFKA": "Kafka",
    "HTTP": "HTTP",
    "PRODUCER": "Producer",
    "CONSUMER": "Consumers",
    "DASHBOARD": "Dashboard",
    "FLEET": "Fleet",
}
REST = "The service"


def settings_page() -> Iterator[str]:
    """Every setting, in the order of the settings class."""
    yield "# Settings\n"
    yield "Every setting is an environment variable; a `.env` file is read too, and the environment wins. All faults"
    yield "are reported at once, each with its name. `demijohn config` shows what is in effect, secrets masked."
    yield MADE.format(source="`app/settings.py`")
    by_section: dict[str, list[str]] = {}
    for name, field in Settings.model_fields.items():
        section = SECTIONS.get(name.partition("_")[0].upper(), REST)
        by_section.setdefault(section, []).append(_setting(name, field))
    for section, rows in by_section.items():
        yield f"## {section}\n"
        yield "| setting | values | default | |"
        yield "|---|---|---|---|"
        yield from rows
        yield ""


def _setting(name: str, field: FieldInfo) -> str:
    default = "" if field.default in ("", None) else str(field.default)
    shown = default.lower() if isinstance(field.default, bool) else default
    code = f"`{shown}`" if shown else "empty"
    return f"| `{name.upper()}` | {_values(field)} | {code} | {_cell(field.description or '')} |"


def _values(field: FieldInfo) -> str:
    kinds = [kind for kind in _flat(field.annotation) if kind is not type(None)]
    if all(get_origin(kind) is Literal for kind in kinds):
        return ", ".join(f"`{value}`" for kind in kinds for value in get_args(kind))
    words = {"int": "number", "float": "number", "bool": "`true`, `false`", "str": "text", "SecretStr": "secret text"}
    return ", ".join(dict.fromkeys(words[getattr(kind, "__name__", str(kind))] for kind in kinds))


def _flat(annotation: Any) -> list[Any]:
    """The alternatives of a type, without their annotations."""
    if hasattr(annotation, "__metadata__"):
        return _flat(annotation.__origin__)
    if get_origin(annotation) is Literal or not get_args(annotation):
        return [annotation]
    return [one for part in get_args(annotation) for one in _flat(part)]


def commands_page() -> Iterator[str]:
    """The help text of every command."""
    yield "# Commands\n"
    yield "What `demijohn COMMAND --help` says. [The command line](../cli.md) shows how they are used."
    yield MADE.format(source="the commands' help texts")
    yield from _command(demijohn, "demijohn", 2)


def _command(command: click.Command, name: str, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, terminal_width=WIDTH, **demijohn.context_settings)
    yield f"{'#' * level} {name}\n"
    yield "```text"
    yield command.get_help(context)
    yield "```\n"
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            if (found := command.get_command(context, part)) is not None:
                yield from _command(found, f"{name} {part}", min(level + 1, 4))


def errors_page() -> Iterator[str]:
    """The tree of exceptions, and the codes of HTTP answers."""
    yield "# Errors\n"
    yield "What can be caught in Python, grouped by what the one who catches it can do; and the codes by which HTTP"
    yield "answers and receipts name what happened. The codes stay; texts may change."
    yield MADE.format(source="`app/errors.py` and `app/api/problems.py`")
    yield "## Exceptions\n"
    yield "```text"
    yield (inspect.getdoc(errors) or "").partition("\n\n")[2]
    yield "```\n"
    yield "## Codes\n"
    yield "| code | status | meaning | the same may succeed later | Retry-After |"
    yield "|---|---:|---|---|---:|"
    for name, code in sorted(CODES.items(), key=lambda pair: (pair[1].status, pair[0])):
        again = "yes" if code.retriable else "no"
        yield f"| `{name}` | {code.status} | {code.title} | {again} | {code.retry_after_s or ''} |"


def events_page() -> Iterator[str]:
    """Every event with its fields."""
    yield "# Events\n"
    yield "Everything that happens is a frozen fact that listeners get: log lines, metrics, traces and the dashboard"
    yield "are listeners. `monitor.subscribe(JobFinished, listener)` makes another one. Durations are in milliseconds"
    yield "where a name ends in `_ms`, in seconds where it ends in `_s`."
    yield MADE.format(source="`app/events`")
    found = {name: kind for name in events.__all__ if dataclasses.is_dataclass(kind := getattr(events, name))}
    for name, kind in sorted(found.items()):
        yield f"## {name}\n"
        yield f"{' '.join((inspect.getdoc(kind) or '').split())}\n"
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            yield f"- `{field.name}`: `{_type_name(hints[field.name])}`"
        yield ""


def _type_name(kind: Any) -> str:
    text = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
    return re.sub(r"\b(?:[a-z_]+\.)+(?=[A-Z])|typing\.|collections\.abc\.", "", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES_BY_NAME: Mapping[str, Callable[[], Iterator[str]]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "errors.md": errors_page,
    "events.md": events_page,
}


def page(name: str) -> str:
    """The text of one page."""
    return "\n".join(PAGES_BY_NAME[name]()).rstrip() + "\n"


if __name__ == "__main__":
    PAGES.mkdir(exist_ok=True)
    for each in PAGES_BY_NAME:
        (PAGES / each).write_text(page(each))
