"""The example consumer, tested as you would test yours: copy this file and begin."""

from __future__ import annotations

import pytest

from app.consumers.example import ExampleConsumer
from app.testing import ConsumerTest


async def test_it_prints_each_payload(capsys: pytest.CaptureFixture[str]) -> None:
    async with ConsumerTest(ExampleConsumer) as example:
        result = await example.consume({"ping": "pong"}, None)
        assert result.marked == 2
    assert capsys.readouterr().out.splitlines() == [
        "messages-0 offset 0: {'ping': 'pong'}",
        "messages-0 offset 1: None",
    ]


async def test_its_line_of_the_table_takes_what_it_is_given() -> None:
    async with ConsumerTest.from_table("example", "app.routing:draw") as example:
        assert (await example.consume(1, 2)).batches == [[0, 1]]
