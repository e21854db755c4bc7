"""What is shipped beside the code agrees with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest
import yaml

from app.kafka.embedded.jars import IMAGE, KAFKA_VERSION, POM
from app.settings import Settings

ROOT = Path(__file__).parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def in_environment(value: object) -> str:
    """A default as it is written in the environment."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def test_the_example_environment_lists_every_setting_with_its_default_and_help() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = [match.groups() for match in re.finditer(r"^# (.+)\.\n#([A-Z_]+)=(.*)$", text, re.MULTILINE)]
    fields = Settings.model_fields.items()
    assert listed == [(field.description, name.upper(), in_environment(field.default)) for name, field in fields]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_pinned_package_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    pinned = re.compile(r'[\w.-]+==\S+(?: ; python_version < "\d\.\d+")? \\\n    --hash=sha256:').match
    assert all(pinned(entry) for entry in entries)


def test_every_package_of_the_web_page_is_pinned_by_hash_and_no_address() -> None:
    wanted = json.loads((ROOT / "ui" / "package.json").read_text())
    locked = json.loads((ROOT / "ui" / "package-lock.json").read_text())["packages"]
    ours = locked.pop("")
    assert {name: ours[name] for name in ("dependencies", "devDependencies")} == {
        name: wanted[name] for name in ("dependencies", "devDependencies")
    }
    assert all(
        version[0].isdigit() for name in ("dependencies", "devDependencies") for version in wanted[name].values()
    )
    assert all("integrity" in package and "resolved" not in package for package in locked.values())


def test_what_runs_is_pinned_alike_for_development() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    assert pins("run.txt") <= pins("dev.txt") <= pins("bench.txt")
    assert pins("run.txt") <= pins("java.txt")
    assert pins("run.txt") <= pins("otel.txt") <= pins("dev.txt")


def test_the_composed_services_fit_together() -> None:
    composed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    kafka, service = composed["services"]["kafka"], composed["services"]["demijohn"]
    assert kafka["image"] == IMAGE
    listeners = dict(listener.split("://") for listener in kafka["environment"]["KAFKA_LISTENERS"].split(","))
    advertised = kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
    inside = dict(listener.split("://") for listener in advertised)["INSIDE"]
    assert service["environment"]["KAFKA_BOOTSTRAP_SERVERS"] == inside
    assert inside.endswith(listeners["INSIDE"])
    settings = Settings.model_validate(
        {name.lower(): value for name, value in service["environment"].items()}, extra="forbid"
    )
    assert settings.kafka_create_topics
    assert int(service["stop_grace_period"].removesuffix("s")) > settings.shutdown_timeout_s
    assert kafka["volumes"][0].split(":")[0] in composed["volumes"]


def test_the_jars_are_those_of_the_image() -> None:
    assert f"<version>{KAFKA_VERSION}</version>" in POM.read_text()


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1)])
async def test_the_health_check_passes_only_while_the_service_is_live(status: str, code: int) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        assert await health_check(server.sockets[0].getsockname()[1]) == code
    assert asked[0].startswith(b"GET /health/live ")


async def test_the_health_check_fails_where_nothing_listens() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    assert await health_check(port) == 1


async def health_check(port: int) -> int | None:
    """The exit code of the image's health check against `port`."""
    environment = {**os.environ, "HTTP_PORT": str(port)}
    script = str(ROOT / "scripts" / "healthcheck.py")
    process = await asyncio.create_subprocess_exec(sys.executable, script, env=environment)
    return await asyncio.wait_for(process.wait(), timeout=10)
