"""The SDK as the environment sets it up; a process has one provider, so each is looked at in one of its own."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from app.observing.tracing.provider import make_provider

{before}
provider = make_provider("console", "here:1")
assert trace.get_tracer_provider() is provider
print(sorted((k, v) for k, v in provider.resource.attributes.items() if k.startswith("service.")))
{after}
"""


def run(before: str = "", after: str = "", **environment: str) -> str:
    """What such a process prints."""
    code = SCRIPT.format(before=before, after=after)
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_it_is_named_after_the_service_and_the_process() -> None:
    assert "('service.instance.id', 'here:1'), ('service.name', 'demijohn'), ('service.version'" in run()


def test_names_of_the_environment_win() -> None:
    printed = run(OTEL_SERVICE_NAME="orders", OTEL_RESOURCE_ATTRIBUTES="service.instance.id=pod-3")
    assert "('service.instance.id', 'pod-3'), ('service.name', 'orders')" in printed


def test_spans_are_sent_when_it_is_shut_down() -> None:
    after = 'provider.get_tracer("t").start_span("mine").end(); provider.shutdown()'
    assert '"name": "mine"' in run(after=after)


def test_a_provider_that_the_process_has_is_used() -> None:
    before = "trace.set_tracer_provider(given := TracerProvider())"
    assert "service.name" in run(before=before, after="assert provider is given")
