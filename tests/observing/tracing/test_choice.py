"""Tracing as the environment asks for it, and its end."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from app.events import JobFinished, JobStarted, WarningRaised
from app.observing.tracing.choice import NoTracing, open_tracing, trace_with
from tests.fakes import Heard
from tests.observing.tracing.spans import Spans

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def test_nothing_is_asked_for_and_nothing_listens() -> None:
    heard = Heard(WarningRaised)
    tracing = open_tracing({}, heard.monitor, "demijohn", "here:1")
    assert isinstance(tracing, NoTracing)
    assert (tracing.requests, tracing.sends, heard.events) == (None, None, [])


def test_asked_for_and_not_installed_is_a_warning_that_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "app.observing.tracing.provider", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    heard = Heard(WarningRaised)
    assert isinstance(open_tracing(ENDPOINT, heard.monitor, "demijohn", "here:1"), NoTracing)
    (warning,) = heard.events
    assert isinstance(warning, WarningRaised)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT asks for traces" in warning.detail
    assert "pip install 'demijohn[otel]'" in warning.detail


def test_an_exporter_that_is_not_known_is_a_warning() -> None:
    heard = Heard(WarningRaised)
    assert isinstance(open_tracing({"OTEL_TRACES_EXPORTER": "jaeger"}, heard.monitor, "demijohn", "here:1"), NoTracing)
    assert len(heard.events) == 1


async def test_what_is_left_is_sent_at_the_end(spans: Spans) -> None:
    tracing = trace_with(spans.provider, Heard().monitor, "demijohn")
    assert tracing.requests is not None
    with tracing.requests.serving("/produce", "/produce", "http", {}):
        pass
    await tracing.close(5)
    assert len(spans.all) == 1


async def test_a_failed_run_that_is_kept_back_is_sent_at_the_end_too(spans: Spans) -> None:
    heard = Heard()
    tracing = trace_with(spans.provider, heard.monitor, "demijohn")
    job = ("g", "f573b01f2bd5", "Some", "t", 0)
    heard.monitor.emit(JobStarted(*job, 5, 5, 1, 1))
    heard.monitor.emit(JobFinished(*job, 1, 1.0, "failed", 0))
    assert spans.all == ()
    await tracing.close(5)
    assert spans.one("process t").end_time is not None


async def test_a_collector_that_hangs_holds_the_end_up_for_its_time_only(spans: Spans) -> None:
    let_go = threading.Event()

    class Hanging(SpanExporter):
        def export(self, _: object) -> SpanExportResult:
            return SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            let_go.wait(30)

    spans.provider.add_span_processor(SimpleSpanProcessor(Hanging()))
    began = time.monotonic()
    await trace_with(spans.provider, Heard().monitor, "demijohn").close(0.05)
    assert time.monotonic() - began < 20
    let_go.set()
