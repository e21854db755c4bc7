"""The Python of README and of the pages on consuming and on topics works as printed; all other has tests of its own."""

from __future__ import annotations

import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import app.routes
from app.consumer import Consumer
from app.declaring.declarations import declare_topics
from app.errors import UndecodablePayload
from app.routes import Dispatch, Retry
from app.routes.loading import draw_table
from app.testing import ConsumerTest
from tests.conftest import make_settings

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_BY = {
    "README.md": "tests/test_python_of_the_pages.py",
    "docs/consuming.md": "tests/test_python_of_the_pages.py",
    "docs/getting-started.md": "tests/test_getting_started_docs.py",
    "docs/producing.md": "tests/test_producing_docs.py",
    "docs/testing.md": "tests/testing/test_guide.py",
    "docs/topics.md": "tests/test_python_of_the_pages.py",
}
LANGUAGES = {"sh", "python", "ini", "toml", "yaml", "json", "text", "{toctree}"}
"""What a block may call itself: one under another name for `sh` or `python` would be run by no test."""


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text())


def names_after(block: str, **given: object) -> dict[str, Any]:
    """What a block has defined, where it is given the names that a reader imports."""
    names: dict[str, Any] = {"__name__": "page", **given}
    exec(compile("from __future__ import annotations\n" + block, "page", "exec"), names)
    return names


def test_every_page_with_python_has_a_test() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    assert {str(page.relative_to(ROOT)) for page in pages if BLOCK.search(page.read_text())} == set(RUN_BY)
    opened = {fence for page in pages for fence in re.findall(r"^ *```(\S+)", page.read_text(), re.MULTILINE)}
    assert opened <= LANGUAGES


async def test_the_consumer_of_the_readme_takes_its_topic(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    consumer, table, test = blocks("README.md")
    given = names_after(consumer, **vars(app.routes))
    module = ModuleType("app.routing")
    module.__dict__.update(names_after(table, **given))
    monkeypatch.setitem(sys.modules, "app.routing", module)
    await names_after(test, ConsumerTest=ConsumerTest)["test_a_payment_is_handled"]()
    assert capsys.readouterr().out == "{'amount': 5}\n"


def test_the_table_of_the_page_on_consuming_is_a_valid_one() -> None:
    classes = {name: type(name, (Idle,), {}) for name in ("PaymentsConsumer", "UsersConsumer", "ReportsConsumer")}
    draw = names_after(blocks("docs/consuming.md")[0], User=dict, **vars(app.routes), **classes)["draw"]
    table = draw_table(draw, make_settings(""))
    assert len(table.subscriptions) == 3


async def test_wrap_of_the_page_on_consuming_is_around_consume() -> None:
    begun: list[str] = []

    @asynccontextmanager
    async def begin() -> Any:
        begun.append("begun")
        yield "a session"
        begun.append("done")

    body = blocks("docs/consuming.md")[1]
    given = names_after(f"class Wrapped(Idle):\n{body}", Idle=Idle, asynccontextmanager=asynccontextmanager)
    given["Wrapped"].sessions = SimpleNamespace(begin=begin)
    async with ConsumerTest(given["Wrapped"]) as wrapped:
        await wrapped.consume({"amount": 5})
        assert begun[:2] == ["begun", "done"]


def test_the_strategy_of_the_page_on_consuming_decides() -> None:
    block = blocks("docs/consuming.md")[2]
    strategy = names_after(block, UndecodablePayload=UndecodablePayload, **vars(app.routes))["strategy"]
    message = SimpleNamespace(topic="payments", partition=0, offset=7)
    assert strategy([UndecodablePayload(message)], 1, message) == Dispatch("payments.malformed")
    assert strategy([ValueError()], 9, message) == Retry()
    assert strategy([ValueError()], 10, message) == Dispatch("payments.dlq")


def test_the_topics_of_the_page_on_topics_can_be_declared() -> None:
    (block,) = blocks("docs/topics.md")
    declared = declare_topics(names_after(block)["declare"])
    assert [topic.topic for topic in declared] == ["payments", "payments.dlq"]


class Idle(Consumer):
    """Does nothing with what it is given."""

    async def consume(self) -> None:
        pass
