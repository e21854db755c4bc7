"""The way to the brokers: names, connections, certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from app.doctoring.examination import Check, examine
from app.doctoring.network import Address, bootstrap_addresses, certificates, connections, names
from app.settings import Settings
from tests.conftest import make_settings
from tests.service_process import free_port


@asynccontextmanager
async def broker(certificate: trustme.LeafCert | None = None) -> AsyncIterator[Address]:
    """Something that listens, with TLS where it has a certificate."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])


def with_tls(authority: trustme.CA, tmp_path: Path) -> Settings:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return make_settings("k:1", kafka_security_protocol="SSL", kafka_ssl_cafile=str(tmp_path / "ca.pem"))


def test_addresses_are_those_of_the_setting() -> None:
    assert bootstrap_addresses(make_settings("a:1, [::1]:2")) == [("a", 1), ("::1", 2)]


async def test_names_without_an_address_are_told_apart() -> None:
    assert (await names([Address("localhost", 1)])).state == "ok"
    missing = await names([Address("localhost", 1), Address("no-such-host.invalid", 2)])
    assert (missing.state, missing.detail) == ("warn", "no-such-host.invalid: have no address, others can")
    assert (await names([Address("no-such-host.invalid", 2)])).state == "fail"


async def test_where_nothing_listens_is_named_with_the_reason() -> None:
    nobody = Address("127.0.0.1", free_port())
    async with broker() as somebody:
        assert (await connections([somebody], "look")).state == "ok"
        some = await connections([somebody, nobody], "look")
        assert (some.state, str(nobody) in some.detail, str(somebody) in some.detail) == ("warn", True, False)
        assert (await connections([nobody], "look")).remedy == "look"


async def test_certificates_are_believed_or_named_and_their_end_is_told(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    settings = with_tls(authority, tmp_path)
    async with broker(authority.issue_cert("127.0.0.1")) as good:
        assert (await certificates(settings, [good])).state == "ok"
    soon = datetime.now(UTC) + timedelta(days=3, hours=1)
    async with broker(authority.issue_cert("127.0.0.1", not_after=soon)) as ending:
        answer = await certificates(settings, [ending])
        assert (answer.state, answer.detail) == ("warn", f"that of {ending} ends in 3 days")
    for leaf in (stranger.issue_cert("127.0.0.1"), authority.issue_cert("other.example")):
        async with broker(leaf) as bad:
            check = Check("certificates", lambda bad=bad: certificates(settings, [bad]), "look")  # type: ignore[misc]
            (finding,) = [one async for one in examine([check])]
            assert (finding.state, str(bad) in finding.detail) == ("fail", True), finding
