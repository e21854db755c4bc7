"""`demijohn config` shows what is in effect, and no secret."""

from __future__ import annotations

import json

import pytest

from app.cli.commands import main


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DEMIJOHN_KAFKA_JARS"):
        monkeypatch.delenv(name, raising=False)


def test_what_was_set_is_told_with_its_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PORT", "3100")
    assert main(["config", "--changed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [["NAME", "VALUE", "DEFAULT"], ["HTTP_PORT", "3100", "3000"]]


def test_a_secret_is_masked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "service")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "hunter2")
    assert main(["config", "--json"]) == 0
    printed = capsys.readouterr().out
    values = {row["name"]: row["value"] for row in json.loads(printed)}
    assert (values["KAFKA_SASL_USERNAME"], values["KAFKA_SASL_PASSWORD"]) == ("service", "***")
    assert "hunter2" not in printed


def test_a_setting_that_is_wrong_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "many")
    assert main(["config"]) == 1
    assert "HTTP_PORT" in capsys.readouterr().err
