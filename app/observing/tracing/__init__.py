"""Traces by OpenTelemetry, an extra: a listener like the log, of which nothing is loaded where it is off."""
