"""`demijohn server`: the process that owns its socket, its signals and its exit code."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click
import uvicorn
import uvloop

from app.cli.gathering import GatheringProtocol
from app.cli.http_server import Server
from app.errors import AddressInUse, Fault, SettingsInvalid
from app.main import Service, build
from app.routes.loading import load_table
from app.routes.narrowing import Selection, narrowed
from app.settings import Settings, load_settings, misspelled

F = TypeVar("F", bound=Callable[..., Any])
KEEP_ALIVE_S = 75
ANSWER_RESERVE_S = 1
EXIT_CUT = 2
EXIT_CRITICAL = 3
GC_THRESHOLDS = (50_000, 20, 100)
"""Large batches of live payloads wake the cyclic collector too often with its defaults: 3.1 against 2.3 µs."""
_log = logging.getLogger("demijohn.server")


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the service runs."""

    http: bool = True
    consumers: bool = True
    lines: Selection = field(default_factory=Selection)


def _globs(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _lines_option(name: str, text: str) -> Callable[[F], F]:
    return click.option(name, default="", callback=_globs, metavar="GLOBS", help=text)


@click.command()
@click.option("--no-http", is_flag=True, help="Only consume: nothing listens, also not for /health.")
@click.option("--no-consumers", is_flag=True, help="Only the HTTP side.")
@_lines_option("--include-topics", "Run only these lines: names of topics or of patterns' lines, comma-separated.")
@_lines_option("--exclude-topics", "Do not run these lines.")
@_lines_option("--include-groups", "Run only these consumer groups.")
@_lines_option("--exclude-groups", "Do not run these consumer groups.")
def server(no_http: bool, no_consumers: bool, **globs: tuple[str, ...]) -> int:
    """Run the service until SIGTERM or Ctrl-C.

    Exit codes: 0 clean, 1 it could not start, 2 the stop had to cut jobs or leave messages undelivered, 3 a critical
    error in a consumer.
    """
    if no_http and no_consumers:
        raise click.UsageError("--no-http with --no-consumers leaves nothing to run")
    return run_server(Parts(http=not no_http, consumers=not no_consumers, lines=Selection(**globs)))


def run_server(parts: Parts) -> int:
    """Runs the service until a signal, and ends the process itself. Raises ConfigurationError at boot."""
    settings = load_settings()
    table = narrowed(load_table(settings), parts.lines)
    check_certificate(settings)
    listener = bind(settings) if parts.http else None
    service = Service(settings, table)
    for name, meant in misspelled(os.environ):
        _log.warning("%s is not a setting: did you mean %s?", name, meant)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if listener is None:
            code = runner.run(_consume(settings, service))
        else:
            code = runner.run(_serve(settings, service, listener, parts.consumers))
        sys.stdout.flush()
        sys.stderr.flush()
        logging.shutdown()
        os._exit(code)


def bind(settings: Settings) -> socket.socket:
    """The listening socket. Raises AddressInUse, naming the remedy."""
    family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.http_host, settings.http_port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        place = f"{settings.http_host}:{settings.http_port}"
        remedy = "stop what listens there, or set HTTP_PORT to another port"
        raise AddressInUse([Fault("HTTP_PORT", f"{place}: {error.strerror}; {remedy}")]) from error
    listener.setblocking(False)
    return listener


def check_certificate(settings: Settings) -> None:
    """Raises SettingsInvalid where HTTPS is wanted and its certificate or key cannot be used."""
    if settings.http_tls_cert is None or settings.http_tls_key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            settings.http_tls_cert, settings.http_tls_key, password=_no_password
        )
    except (OSError, ValueError) as error:
        place = f"{settings.http_tls_cert} with HTTP_TLS_KEY {settings.http_tls_key}"
        raise SettingsInvalid([Fault("HTTP_TLS_CERT", f"{place} cannot be used: {error}")]) from None


def _no_password() -> str:
    raise ValueError("the key is encrypted; store it without a password, readable for the service only")


async def _serve(settings: Settings, service: Service, listener: socket.socket, consumers: bool) -> int:
    config = uvicorn.Config(
        build(service, consumers=consumers),
        http=GatheringProtocol,
        loop="none",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # HTTP_TRUSTED_PROXIES decides which are believed
        ssl_certfile=settings.http_tls_cert,
        ssl_keyfile=settings.http_tls_key,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=ANSWER_RESERVE_S,
    )
    server = Server(config)
    service.served_alone = True
    _install_signals(service.stop_asked)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    host, port = listener.getsockname()[:2]
    _settle_collector()
    _log.info("Listening on %s://%s:%s", "https" if settings.http_tls_cert else "http", host, port)
    await _until_stopped(service, serving)
    code = await _stop(service, settings.shutdown_timeout_s, server, serving)
    _log.info("Ended with exit code %d", code)
    return code


async def _consume(settings: Settings, service: Service) -> int:
    """As `_serve`, without anything that listens."""
    _install_signals(service.stop_asked)
    await service.start()
    _settle_collector()
    _log.info("Consuming only: nothing listens")
    await _until_stopped(service)
    code = await _stop(service, settings.shutdown_timeout_s)
    _log.info("Ended with exit code %d", code)
    return code


def _settle_collector() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _until_stopped(service: Service, *serving: asyncio.Task[None]) -> None:
    """Returns when a stop is wanted, or when serving has ended by itself."""
    waits = [asyncio.ensure_future(event.wait()) for event in (service.stop_asked, service.runtime.critical_error)]
    await asyncio.wait({*serving, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


async def _stop(
    service: Service, timeout_s: float, server: Server | None = None, serving: asyncio.Task[None] | None = None
) -> int:
    """The exit code. Takes at most `timeout_s`, whatever hangs."""
    deadline = time.monotonic() + timeout_s
    answering_s = min(ANSWER_RESERVE_S, timeout_s / 25)
    if server is not None:
        server.let_go()
    stopping = asyncio.ensure_future(service.stop(deadline - answering_s))
    await asyncio.wait({stopping}, timeout=timeout_s - answering_s)
    if not stopping.done():
        _log.warning("The stop did not end within SHUTDOWN_TIMEOUT_S (%g s): what is left is cut", timeout_s)
        return EXIT_CRITICAL if service.runtime.critical_error.is_set() else EXIT_CUT
    if server is not None and serving is not None:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=max(0.05, deadline - time.monotonic()))
    return stopping.result().exit_code


def _install_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    signalled = asyncio.Event()

    def on_signal() -> None:
        if signalled.is_set():
            _log.warning("Second signal: ending at once")
            sys.stdout.flush()
            os._exit(EXIT_CUT)
        signalled.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
