"""What doctor says of the machine it runs on."""

from __future__ import annotations

import resource
import socket
from pathlib import Path

import pytest

from app.doctoring.examination import Finding, examine
from app.doctoring.own import own_checks
from app.routes.loading import draw_table
from app.settings import Settings
from tests.conftest import make_settings


async def found(settings: Settings, environment: dict[str, str] | None = None) -> dict[str, Finding]:
    table = draw_table(lambda routes: None, settings)
    return {one.check: one async for one in examine(own_checks(settings, table, environment or {}))}


async def test_what_is_misspelt_empty_or_open_is_warned_about() -> None:
    seen = await found(make_settings("k:1", http_host="0.0.0.0"), {"HTTP_PROT": "1"})
    assert seen["settings"].detail == "not settings: HTTP_PROT (did you mean HTTP_PORT?)"
    assert seen["routing table"].state == "warn"
    assert (seen["API keys"].state, "0.0.0.0" in seen["API keys"].detail) == ("warn", True)


async def test_files_that_cannot_be_used_fail_with_their_fault(tmp_path: Path) -> None:
    keys, schemas = tmp_path / "keys.toml", tmp_path / "schemas"
    schemas.mkdir()
    (schemas / "orders.json").write_text("{")
    keys.write_text("[orders]\nhash = 1\n")
    seen = await found(make_settings("k:1", http_api_keys_file=str(keys), http_schemas_dir=str(schemas)))
    assert (seen["API keys"].state, "orders" in seen["API keys"].detail) == ("fail", True)
    assert (seen["payload schemas"].state, "orders.json" in seen["payload schemas"].detail) == ("fail", True)


async def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        settings = make_settings("k:1", http_port=port)
        other.close()
        assert (await found(settings))["port"].detail == f"127.0.0.1:{port} is free"
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        monkeypatch.setattr("app.doctoring.own.ANSWER_TIMEOUT_S", 0.1)
        seen = (await found(settings))["port"]
    assert (seen.state, "is taken by something that is no Demijohn" in seen.detail) == ("warn", True)


async def test_a_low_limit_of_files_is_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    assert (await found(make_settings("k:1")))["open files"].state == "warn"
