"""`demijohn routes` prints the table, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli.commands import main
from app.cli.routes import describe
from app.consumer import Consumer
from app.routes import DeadLetter, Routes
from app.routes.loading import draw_table
from tests.conftest import make_settings

ROOT = Path(__file__).parents[2]


class PaymentsConsumer(Consumer):
    async def consume(self) -> None:
        return


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["routes"]) == 0
    assert capsys.readouterr().out.startswith("demijohn: example -> ExampleConsumer (batches of up to 100")


def test_each_line_says_what_matters() -> None:
    def draw(routes: Routes) -> None:
        routes.topic("payments", PaymentsConsumer, dead_letter=DeadLetter("payments.dlq", max_retries=5))
        with routes.group("reports", initial_offset="latest", manual_offsets=True) as group:
            group.pattern("user_.*", PaymentsConsumer, dead_letter=DeadLetter(None), active=False)

    assert describe(draw_table(draw, make_settings("kafka:9092"))) == [
        "demijohn: payments -> PaymentsConsumer (batches of up to 100, from earliest, after 5 retries to payments.dlq)",
        "reports: /user_.*/ -> PaymentsConsumer "
        "(batches of up to 100, from latest, manual offsets, after 3 retries to nowhere (skipped), inactive)",
    ]


def test_an_empty_table_is_told() -> None:
    assert describe(draw_table(lambda _: None, make_settings("kafka:9092"))) == ["The table is empty."]


def test_programs_get_every_setting_of_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["routes", "--json"]) == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["group"], line["topic"], line["dead_letter"]) == ("demijohn", "example", None)
    assert line["settings"]["max_messages"] == 100
