"""`demijohn server`: the process that owns its socket, its signals and its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Iterator

import uvicorn
import uvloop

from app.cli.gathering import GatheringProtocol
from app.errors import AddressInUse, Fault, SettingsInvalid
from app.main import Service, build
from app.routes.loading import load_table
from app.settings import Settings, load_settings, misspelled

KEEP_ALIVE_S = 75
ANSWER_RESERVE_S = 1
EXIT_CUT = 2
EXIT_CRITICAL = 3
GC_THRESHOLDS = (50_000, 20, 100)
"""Large batches of live payloads wake the cyclic collector too often with its defaults: 3.1 against 2.3 µs."""
_log = logging.getLogger("demijohn.server")


class Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the service drains first, while the listener still answers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run_server(*, consumers: bool) -> int:
    """Runs the service until a signal, and ends the process itself. Raises ConfigurationError at boot."""
    settings = load_settings()
    table = load_table(settings)
    check_certificate(settings)
    listener = bind(settings)
    service = Service(settings, table)
    for name, meant in misspelled(os.environ):
        _log.warning("%s is not a setting: did you mean %s?", name, meant)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_serve(settings, service, listener, consumers))
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
    stop = service.stop_asked
    service.served_alone = True
    _install_signals(stop)
    serving = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    host, port = listener.getsockname()[:2]
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    _log.info("Listening on %s://%s:%s", "https" if settings.http_tls_cert else "http", host, port)
    waits = [asyncio.ensure_future(event.wait()) for event in (stop, service.runtime.critical_error)]
    await asyncio.wait({serving, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    code = await _stop(service, server, serving, settings.shutdown_timeout_s)
    _log.info("Ended with exit code %d", code)
    return code


async def _stop(service: Service, server: Server, serving: asyncio.Task[None], timeout_s: float) -> int:
    """The exit code. Takes at most `timeout_s`, whatever hangs."""
    deadline = time.monotonic() + timeout_s
    answering_s = min(ANSWER_RESERVE_S, timeout_s / 25)
    stopping = asyncio.ensure_future(service.stop(deadline - answering_s))
    await asyncio.wait({stopping}, timeout=timeout_s - answering_s)
    if not stopping.done():
        _log.warning("The stop did not end within SHUTDOWN_TIMEOUT_S (%g s): what is left is cut", timeout_s)
        return EXIT_CRITICAL if service.runtime.critical_error.is_set() else EXIT_CUT
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
