"""`/asyncapi.json`: what the routing table receives and sends, as an AsyncAPI 3 document."""

from __future__ import annotations

import re
from typing import Any

from app import __version__
from app.routes.table import RoutingTable, Subscription

Document = dict[str, Any]
KAFKA_BINDING = "0.5.0"


def asyncapi(table: RoutingTable, servers: str) -> Document:
    """The document. `servers` is KAFKA_BOOTSTRAP_SERVERS, empty for an embedded broker."""
    channels: Document = {}
    operations: Document = {}
    for line in table.subscriptions:
        if line.active:
            _describe(line, channels, operations)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Demijohn", "version": __version__},
        "defaultContentType": "application/json",
        "servers": _servers(servers),
        "channels": channels,
        "operations": operations,
    }


def _servers(servers: str) -> Document:
    hosts = [host.strip() for host in servers.split(",") if host.strip()]
    return {
        f"kafka{number}": {"host": host, "protocol": "kafka"}
        for number, host in enumerate(hosts or ["127.0.0.1"], start=1)
    }


def _describe(line: Subscription, channels: Document, operations: Document) -> None:
    source = channel_id(line)
    channels.setdefault(source, _channel(line))
    name = f"{_identifier(line.group)}.{source}"
    operations[f"{name}.receive"] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{source}"},
        "summary": f"{line.consumer.__name__} consumes it in group {line.group}",
        "bindings": {"kafka": {"groupId": {"type": "string", "const": line.group}, "bindingVersion": KAFKA_BINDING}},
    }
    if line.dead_letter is None or line.dead_letter.topic is None:
        return
    dlq = line.dead_letter.topic
    channels.setdefault(dlq, _topic(dlq, "Records that could not be processed"))
    operations[f"{name}.dead_letter"] = {
        "action": "send",
        "channel": {"$ref": f"#/channels/{dlq}"},
        "summary": f"What {line.consumer.__name__} gives up after {line.dead_letter.max_retries} retries",
    }


def channel_id(line: Subscription) -> str:
    """A topic stands under its name; a pattern, which is no topic, under a name of its own."""
    return line.topic if line.topic is not None else f"pattern.{_identifier(line.group)}.{_identifier(line.name)}"


def _identifier(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)


def _channel(line: Subscription) -> Document:
    if line.topic is not None:
        return _topic(line.topic, f"The topic {line.topic}")
    channel = _topic("", f"Every topic whose whole name matches {line.source}")
    return {**channel, "address": None, "bindings": {}}


def _topic(name: str, description: str) -> Document:
    return {
        "address": name,
        "description": description,
        "messages": {"record": {"payload": {}}},
        "bindings": {"kafka": {"topic": name, "bindingVersion": KAFKA_BINDING}},
    }
