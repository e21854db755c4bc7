"""W3C trace context: what goes from a request's headers into the record's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from app.messages import OutgoingMessage

TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?").fullmatch
TRACESTATE_KEY = rb"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
TRACESTATE_VALUE = rb"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
TRACESTATE_MEMBER = re.compile(rb"%b=%b" % (TRACESTATE_KEY, TRACESTATE_VALUE)).fullmatch
MAX_TRACESTATE_MEMBERS = 32
NAMES = ("traceparent", "tracestate")

TraceHeaders = tuple[tuple[str, bytes], ...]


def trace_headers(headers: Mapping[bytes, bytes]) -> TraceHeaders:
    """The record headers that carry on the trace of a request; none where its traceparent is not valid."""
    traceparent = headers.get(b"traceparent")
    if traceparent is None or not _valid_traceparent(traceparent.strip()):
        return ()
    tracestate = headers.get(b"tracestate", b"").strip()
    if tracestate and _valid_tracestate(tracestate):
        return (("traceparent", traceparent.strip()), ("tracestate", tracestate))
    return (("traceparent", traceparent.strip()),)


def traced(message: OutgoingMessage, trace: TraceHeaders) -> OutgoingMessage:
    """`message` with the trace of its request in its headers, unless it has its own."""
    given = message.headers or ()
    own = list(given.items() if isinstance(given, Mapping) else given)
    if not trace or any(name.lower() in NAMES for name, _ in own):
        return message
    return replace(message, headers=[*own, *trace])


def _valid_traceparent(value: bytes) -> bool:
    match = TRACEPARENT(value)
    if match is None:
        return False
    version, trace_id, parent_id, _, rest = match.groups()
    if version == b"ff" or (version == b"00" and rest is not None):
        return False
    return any(byte != 0x30 for byte in trace_id) and any(byte != 0x30 for byte in parent_id)


def _valid_tracestate(value: bytes) -> bool:
    members = [member.strip(b" \t") for member in value.split(b",")]
    members = [member for member in members if member]
    keys = [member.partition(b"=")[0] for member in members]
    return (
        0 < len(members) <= MAX_TRACESTATE_MEMBERS
        and all(TRACESTATE_MEMBER(member) for member in members)
        and len(set(keys)) == len(keys)
    )
