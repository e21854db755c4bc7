"""With a certificate the service speaks HTTPS that clients can verify; with a wrong one it does not start."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import trustme

from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until


class Files(NamedTuple):
    """A certificate chain and its key, and what clients that trust it verify with."""

    cert: Path
    key: Path
    trusted: ssl.SSLContext


def issue(directory: Path, name: str) -> Files:
    """A certificate for 127.0.0.1 of an authority of its own."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    cert, key = directory / f"{name}.pem", directory / f"{name}-key.pem"
    for blob in issued.cert_chain_pems:
        blob.write_to_path(cert, append=True)
    issued.private_key_pem.write_to_path(key)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    return Files(cert, key, trusted)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return issue(tmp_path, "service")


def client(process: ServiceProcess, verify: ssl.SSLContext) -> httpx.AsyncClient:
    url = f"https://127.0.0.1:{process.port}"
    return httpx.AsyncClient(base_url=url, verify=verify, timeout=35, trust_env=False)


async def until_live(process: ServiceProcess, http: httpx.AsyncClient) -> None:
    async def live() -> bool:
        return (await http.get("/health/live")).status_code == 200

    await process.until_logged(f"Listening on https://127.0.0.1:{process.port}")
    await until(live, "the service is live")


async def test_clients_that_trust_it_are_served_and_others_do_not_talk(kafka: str, stage: Stage, files: Files) -> None:
    topic = await stage.topic(1)
    async with (
        service(kafka, "--no-consumers", http_tls_cert=files.cert, http_tls_key=files.key) as process,
        client(process, files.trusted) as http,
        client(process, ssl.create_default_context()) as stranger,
    ):
        await until_live(process, http)
        assert (await http.post("/produce", json={"topic": topic, "payload": "x" * 100_000})).status_code == 200
        lines = json.dumps({"topic": topic, "payload": 1}).encode() + b"\n"
        headers = {"content-type": "application/x-ndjson"}
        answer = await http.post("/produce/batch", content=lines * 3000, headers=headers)
        assert [json.loads(line)["status"] for line in answer.text.splitlines()] == ["delivered"] * 3000
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await stranger.get("/health/live")


async def test_plain_http_is_refused_and_harms_nobody(kafka: str, files: Files) -> None:
    async with (
        service(kafka, "--no-consumers", http_tls_cert=files.cert, http_tls_key=files.key) as process,
        client(process, files.trusted) as http,
    ):
        await until_live(process, http)
        for _ in range(20):
            with pytest.raises(httpx.TransportError):
                await process.client.get("/health/live")
        with socket.create_connection(("127.0.0.1", process.port), timeout=5) as silent:
            silent.sendall(b"\x16\x03\x01")
            assert (await http.get("/health/live")).status_code == 200
    assert "Traceback" not in process.text


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("of another", "KEY_VALUES_MISMATCH"),
        ("missing", "No such file"),
        ("no certificate", "cannot be used"),
    ],
)
async def test_a_wrong_pair_ends_the_start_and_is_named(tmp_path: Path, files: Files, fault: str, words: str) -> None:
    key = issue(tmp_path, "other").key
    if fault == "missing":
        key = tmp_path / "nowhere.pem"
    if fault == "no certificate":
        key.write_text("not a key\n")
    async with service("127.0.0.1:1", http_tls_cert=files.cert, http_tls_key=key) as process:
        assert await process.ended(20) == 1
    assert f"HTTP_TLS_CERT: {files.cert} with HTTP_TLS_KEY {key} cannot be used" in process.text
    assert words in process.text
    assert "Traceback" not in process.text
    assert "Listening" not in process.text
