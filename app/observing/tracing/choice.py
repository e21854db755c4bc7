"""Tracing as the environment asks for it: all of it, or nothing at all."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.events import Monitor, WarningRaised
from app.observing.tracing.exporters import asked_for

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from app.observing.tracing.jobs import JobSpans
    from app.observing.tracing.requests import RequestSpans
    from app.observing.tracing.sends import SendSpans

SCOPE = "demijohn"


class NoTracing:
    """Tracing that is off: nothing is wrapped, and nothing listens."""

    requests: RequestSpans | None = None
    sends: SendSpans | None = None

    async def close(self, timeout_s: float) -> None:
        """There is nothing to send."""


@dataclass(frozen=True)
class Tracing:
    """Tracing that is on."""

    provider: TracerProvider
    requests: RequestSpans
    sends: SendSpans
    jobs: JobSpans

    async def close(self, timeout_s: float) -> None:
        """Sends what is left, for at most `timeout_s`, whatever the collector does."""
        self.jobs.close()
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self.provider.force_flush(max(1, int(timeout_s * 1000)))
            self.provider.shutdown()
            if not loop.is_closed():
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=shut_down, name="traces", daemon=True).start()
        try:
            await asyncio.wait_for(sent.wait(), timeout_s)
        except TimeoutError:
            return  # the thread is a daemon: it holds nothing up


def open_tracing(
    environment: Mapping[str, str], monitor: Monitor, client_id: str, instance: str
) -> Tracing | NoTracing:
    """What `environment` (OTEL_*) asks for. Where that cannot be had, a warning says what to do, and it is off."""
    asked = asked_for(environment)
    if asked.fault is not None:
        monitor.emit(WarningRaised("tracing", asked.fault))
    if asked.exporter is None:
        return NoTracing()
    try:
        from app.observing.tracing.provider import make_provider
    except ImportError as error:
        remedy = "pip install 'demijohn[otel]', or -r requirements/otel.txt"
        detail = f"{asked.variable} asks for traces, but {error.name} is not installed: {remedy}"
        monitor.emit(WarningRaised("tracing", detail))
        return NoTracing()
    return trace_with(make_provider(asked.exporter, instance), monitor, client_id)


def trace_with(provider: TracerProvider, monitor: Monitor, client_id: str) -> Tracing:
    """Tracing through `provider`, which is shut down at its end."""
    from app import __version__
    from app.observing.tracing.jobs import JobSpans
    from app.observing.tracing.requests import RequestSpans
    from app.observing.tracing.sends import SendSpans

    tracer = provider.get_tracer(SCOPE, __version__)
    return Tracing(provider, RequestSpans(tracer), SendSpans(tracer, client_id), JobSpans(tracer, monitor))
