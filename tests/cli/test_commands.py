"""What `demijohn` understands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from app.cli.commands import describe, main
from app.consumer import Consumer
from app.routes import DeadLetter, Routes
from app.routes.loading import draw_table
from tests.conftest import make_settings

ROOT = Path(__file__).parents[2]


class PaymentsConsumer(Consumer):
    async def consume(self) -> None:
        return


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--version"])
    assert raised.value.code == 0
    assert capsys.readouterr().out == f"demijohn {__version__}\n"


@pytest.mark.parametrize("arguments", [[], ["serve"], ["server", "--loud"]])
def test_what_it_does_not_understand_is_refused_with_its_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: demijohn" in capsys.readouterr().err


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


def test_what_is_wrong_with_the_table_goes_to_stderr_and_the_exit_code_is_1() -> None:
    environment = {**os.environ, "ROUTES": "nobody.wrote_this:draw"}
    command = [sys.executable, "-m", "app", "routes"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ROUTES: there is no module 'nobody.wrote_this'" in done.stderr
    assert "Traceback" not in done.stderr
