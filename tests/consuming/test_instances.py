"""Consumer objects, and their newest source while developing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from app.consumer import ConsumerContext
from app.consuming.instances import Instances

SOURCE = """
from app.consumer import Consumer

made = []

class Greeting(Consumer):
    word = "{word}"

    async def consume(self) -> None: ...
"""
CONTEXT = cast(ConsumerContext, None)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with a consumer, whose source a test may change."""
    (tmp_path / "greeting_consumers.py").write_text(SOURCE.format(word="hello"))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("greeting_consumers")
    sys.modules.pop("greeting_consumers", None)


def rewrite(module: ModuleType, text: str) -> None:
    assert module.__file__
    Path(module.__file__).write_text(text)


def word_of(instances: Instances, kind: Any) -> str:
    return str(cast(Any, instances.make(kind, CONTEXT)).word)


def test_a_persistent_class_stays_as_it_was_imported(module: ModuleType) -> None:
    instances = Instances(persistent=True)
    instances.remember(module.Greeting)
    rewrite(module, SOURCE.format(word="world"))
    assert word_of(instances, module.Greeting) == "hello"


def test_an_edit_counts_for_the_next_object_even_of_the_same_length_in_the_same_second(module: ModuleType) -> None:
    instances, kind = Instances(persistent=False), module.Greeting
    instances.remember(kind)
    seen = []
    for word in ("hello", "world", "there"):
        rewrite(module, SOURCE.format(word=word))
        seen.append(word_of(instances, kind))
    assert seen == ["hello", "world", "there"]


def test_without_an_edit_the_module_keeps_its_state(module: ModuleType) -> None:
    instances, kind = Instances(persistent=False), module.Greeting
    instances.remember(kind)
    module.made.append(1)
    instances.make(kind, CONTEXT)
    assert module.made == [1]


def test_a_broken_source_fails_and_the_mended_one_works(module: ModuleType) -> None:
    instances, kind = Instances(persistent=False), module.Greeting
    instances.remember(kind)
    rewrite(module, "class Greeting(")
    with pytest.raises(SyntaxError):
        instances.make(kind, CONTEXT)
    rewrite(module, "Greeting = 1")
    with pytest.raises(TypeError, match="no longer a subclass of Consumer"):
        instances.make(kind, CONTEXT)
    rewrite(module, SOURCE.format(word="again"))
    assert word_of(instances, kind) == "again"


def test_a_class_without_a_source_to_read_stays_as_it_is() -> None:
    from app.consumers.example import ExampleConsumer

    local = type("Local", (ExampleConsumer,), {"__qualname__": "outer.<locals>.Local", "word": "x"})
    instances = Instances(persistent=False)
    instances.remember(local)
    assert word_of(instances, local) == "x"
