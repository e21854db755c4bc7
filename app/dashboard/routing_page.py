"""The page of the routing table and the settings, secrets masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import SecretStr

from app.api.services import Services
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.pages import Page
from app.dashboard.queries import Query
from app.routes.table import Backoff, DeadLetter, Group, Keyed, Subscription
from app.serialization import DEFAULT_DESERIALIZERS
from app.settings import Settings

MASK = "***"


def routing_page(services: Services) -> Page:
    """The page."""
    settings = list(setting_rows(services.settings))
    excluded = services.table.dead_letter_topics()

    def build(_: Query) -> Document:
        existing = services.cluster.topics()
        groups = [
            {"name": group.name, "lines": list(_lines(group, existing, excluded))} for group in services.table.groups
        ]
        return dated({"groups": groups, "settings": settings})

    return Page("/dashboard/routing", "Routing", build)


def _lines(group: Group, existing: Mapping[str, int], excluded: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The lines of a group, with the topics that they take. Without any topic nothing is known of them."""
    taken = group.resolve(existing, excluded)
    for line in group.subscriptions:
        yield {
            **line_document(line),
            "found": sorted(topic for topic, taker in taken.items() if taker is line),
            "missing": line.topic is not None and line.topic not in existing if existing else None,
        }


def line_document(line: Subscription) -> dict[str, Any]:
    """One line of the table as JSON values."""
    kind, source = ("topic", line.topic) if line.pattern is None else ("pattern", line.pattern.pattern)
    return {
        "kind": kind,
        kind: source,
        "name": line.name,
        "consumer": f"{line.consumer.__module__}.{line.consumer.__qualname__}",
        "settings": _line_settings(line),
        "dead_letter": None if line.dead_letter is None else _dead_letter(line.dead_letter),
    }


def _line_settings(line: Subscription) -> dict[str, Any]:
    return {
        "max_messages": line.max_messages,
        "min_messages": line.min_messages,
        "max_wait_ms": line.max_wait_ms,
        "initial_offset": line.initial_offset,
        "manual_offsets": line.manual_offsets,
        "backoff": _backoff(line.backoff),
        "keyed": None if line.keyed is None else _keyed(line.keyed),
        "payload": _named(line.deserializers.payload, DEFAULT_DESERIALIZERS.payload),
        "key": _named(line.deserializers.key, DEFAULT_DESERIALIZERS.key),
        "headers": _named(line.deserializers.headers, DEFAULT_DESERIALIZERS.headers),
        "active": line.active,
    }


def _backoff(backoff: Backoff) -> dict[str, Any]:
    return {"pause_ms": backoff.pause_ms, "max_ms": backoff.max_ms, "exponential": backoff.exponential}


def _keyed(keyed: Keyed) -> dict[str, Any]:
    return {"by": _named(keyed.by, "key") if callable(keyed.by) else keyed.by, "workers": keyed.workers}


def _dead_letter(dead_letter: DeadLetter) -> dict[str, Any]:
    return {
        "topic": dead_letter.topic,
        "max_retries": dead_letter.max_retries,
        "isolate": dead_letter.isolate,
        "batch": dead_letter.batch,
        "strategy": None if dead_letter.strategy is None else _named(dead_letter.strategy, None),
        "transactional": dead_letter.transactional,
    }


def _named(function: Callable[..., Any] | Any, default: object) -> str:
    if function is default:
        return "default"
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', type(function).__module__)}.{name}"


def setting_rows(settings: Settings) -> Iterator[dict[str, Any]]:
    """Every setting by the name of its variable."""
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        yield {
            "name": name.upper(),
            "value": MASK if isinstance(value, SecretStr) else value,
            "default": field.default,
            "changed": value != field.default,
            "help": field.description,
        }
