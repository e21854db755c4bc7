"""The snippets of docs/producing.md run, on a producer that records."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.errors import MessageInvalid, ProduceManyError
from app.producer import AbortTransaction, OutgoingMessage, Producer
from app.testing import recording_producer

PAGE = Path(__file__).parents[1] / "docs" / "producing.md"
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
VERBS = {name for name, _ in inspect.getmembers(Producer, callable) if not name.startswith("_")}
NOT_FOR_USERS = {"accept", "accept_each", "has_room", "room", "knows", "known_topic", "start", "hold_transactions"}
NAMED_OTHERWISE = {"tombstone_async": "tombstone_sync", "send_offsets_to_transaction": "send_offsets"}


async def announce(order: dict[str, Any], producer: Producer) -> None:
    """What a snippet tests."""
    await producer.produce_sync(topic="orders", payload=order)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.strip().splitlines()[0][:60])
async def test_a_snippet_runs(snippet: str) -> None:
    producer, recorded = recording_producer(partitions=2)
    names: dict[str, Any] = {
        "AbortTransaction": AbortTransaction,
        "MessageInvalid": MessageInvalid,
        "OutgoingMessage": OutgoingMessage,
        "ProduceManyError": ProduceManyError,
        "announce": announce,
        "dataclasses": dataclasses,
        "entry": {"who": "me"},
        "invoice": {"id": 2},
        "message": SimpleNamespace(offset=4),
        "order": {"id": 1},
        "producer": producer,
        "sample": 3.5,
    }
    code = compile(snippet, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, names)  # our own page
    if inspect.isawaitable(running):
        await running
    for name, made in list(names.items()):
        if name.startswith("test_"):
            await made()
    await producer.close(1)
    assert recorded.messages or "middleware" in snippet or "def test_" in snippet


@pytest.mark.parametrize("verb", sorted(VERBS - NOT_FOR_USERS))
def test_every_verb_is_on_the_page(verb: str) -> None:
    assert f".{NAMED_OTHERWISE.get(verb, verb)}(" in PAGE.read_text()
