"""Whether OpenTelemetry's environment variables ask for traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Exporter = Literal["otlp", "console"]
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP = "http/protobuf"


class Asked(NamedTuple):
    """What the environment asks for. `exporter` is None for no traces; `fault` says why what it asks for cannot be."""

    exporter: Exporter | None = None
    variable: str = ""
    fault: str | None = None


def asked_for(environment: Mapping[str, str]) -> Asked:
    """OTEL_TRACES_EXPORTER, or an OTLP endpoint, asks for traces; OTEL_SDK_DISABLED does away with them."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Asked()
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if named == "none":
        return Asked()
    if named == "console":
        return Asked("console", "OTEL_TRACES_EXPORTER")
    if named not in ("", "otlp"):
        return Asked(fault=f"OTEL_TRACES_EXPORTER is {named}: otlp, console and none are supported, no traces are made")
    variable = next((name for name in ENDPOINTS if environment.get(name)), None)
    if variable is None and not named:
        return Asked()
    protocol = next(((name, environment[name]) for name in PROTOCOLS if environment.get(name)), None)
    if protocol is not None and protocol[1].strip() != HTTP:
        return Asked(fault=f"{protocol[0]} is {protocol[1]}: only {HTTP} is supported, no traces are made")
    return Asked("otlp", variable or "OTEL_TRACES_EXPORTER")
