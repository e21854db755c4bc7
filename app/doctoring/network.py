"""Checks of the way to the brokers: names, connections, certificates."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterable
from typing import NamedTuple

from app.doctoring.examination import Answer, fail, ok, warn
from app.kafka.connection import connection_options
from app.kafka.tasks import reason
from app.settings import Settings

CONNECT_TIMEOUT_S = 3.0
SOON_DAYS = 21
DAY_S = 86_400


class Address(NamedTuple):
    """Where a broker is said to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def bootstrap_addresses(settings: Settings) -> list[Address]:
    """Those that KAFKA_BOOTSTRAP_SERVERS names."""
    parts = (server.strip().rpartition(":") for server in settings.kafka_bootstrap_servers.split(",") if server.strip())
    return [Address(host.strip("[]"), int(port)) for host, _, port in parts]


async def names(addresses: Iterable[Address]) -> Answer:
    """Whether the names have addresses."""
    loop, missing = asyncio.get_running_loop(), []
    hosts = sorted({address.host for address in addresses})
    for host in hosts:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.getaddrinfo(host, None)
        except (OSError, TimeoutError):
            missing.append(host)
    if missing:
        return _some(missing, hosts, "have no address", "Correct KAFKA_BOOTSTRAP_SERVERS, or mend the name service")
    return ok(f"{', '.join(hosts)} can be resolved")


async def connections(addresses: Iterable[Address], remedy: str) -> Answer:
    """Whether something listens there."""
    listed = list(addresses)
    errors = await asyncio.gather(*map(_connect, listed))
    missing = [f"{address} ({error})" for address, error in zip(listed, errors, strict=True) if error]
    if missing:
        return _some(missing, list(map(str, listed)), "cannot be connected to", remedy)
    return ok(f"{', '.join(map(str, listed))} can be connected to")


async def _connect(address: Address) -> str:
    """Why not; empty where it can be connected to."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(address.host, address.port)
    except (OSError, TimeoutError) as error:
        return reason(error)
    writer.close()
    return ""


async def certificates(settings: Settings, addresses: Iterable[Address]) -> Answer:
    """Whether the brokers' certificates are believed here, and for how long."""
    if not settings.kafka_security_protocol.endswith("SSL"):
        return ok(f"KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol}: there are none")
    context = connection_options(settings, settings.kafka_bootstrap_servers)["ssl_context"]
    days = {str(address): await _days_left(address, context) for address in addresses}
    server = min(days, key=lambda name: days[name])
    if days[server] < SOON_DAYS:
        return warn(f"that of {server} ends in {days[server]:.0f} days", "Renew it, or consuming and producing end")
    return ok(f"all are believed; the first that ends has {days[server]:.0f} days left")


async def _days_left(address: Address, context: ssl.SSLContext) -> float:
    """Raises OSError, with the broker's name, where its certificate is not believed."""
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(address.host, address.port, ssl=context)
    except (OSError, TimeoutError) as error:
        raise OSError(f"{address}: {reason(error)}") from error
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / DAY_S


def _some(missing: list[str], every: list[str], what: str, remedy: str) -> Answer:
    detail = f"{', '.join(missing)}: {what}"
    return fail(detail, remedy) if len(missing) == len(every) else warn(f"{detail}, others can", remedy)
