"""The one shape of errors, `application/problem+json` (RFC 9457), and the list of every code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from app.api.replies import Reply
from app.errors import DemijohnError, Fault, MessageInvalid, ProduceError

PROBLEM_JSON = b"application/problem+json"
DOCS_PAGE = "/docs#"


class Code(NamedTuple):
    """What a code means to the caller: `retry_after_s` is sent as Retry-After, in seconds."""

    status: int
    title: str
    retriable: bool = False
    retry_after_s: int | None = None


CODES: Mapping[str, Code] = {
    "malformed_json": Code(400, "The body is not JSON"),
    "invalid_parameter": Code(400, "A parameter is not valid"),
    "corrupt_encoding": Code(400, "The body is not what its content encoding says"),
    "invalid_idempotency_key": Code(400, "The idempotency key is not valid"),
    "unauthorized": Code(401, "An API key is needed"),
    "forbidden": Code(403, "Forbidden"),
    "topic_forbidden": Code(403, "The topic may not be produced to"),
    "internal_topic": Code(403, "The topic is internal to Kafka"),
    "not_found": Code(404, "Not found"),
    "unknown_topic": Code(404, "The topic does not exist"),
    "unknown_receipt": Code(404, "The receipt is not known"),
    "method_not_allowed": Code(405, "The method is not allowed"),
    "not_acceptable": Code(406, "Nothing acceptable can be sent"),
    "conflict": Code(409, "The state of things does not allow it"),
    "request_timeout": Code(408, "The body did not arrive in time", True),
    "body_too_large": Code(413, "The body is too large"),
    "batch_too_large": Code(413, "The batch has too many messages"),
    "payload_too_large": Code(413, "The payload is too large"),
    "record_too_large": Code(413, "The record is too large for its topic"),
    "unsupported_media_type": Code(415, "The media type is not supported"),
    "unsupported_encoding": Code(415, "The content encoding is not supported"),
    "kafka_forbids": Code(403, "The service lacks a right in Kafka"),
    "masked_topic": Code(403, "The topic is masked"),
    "kafka_refused": Code(422, "Kafka refused it"),
    "unreadable": Code(422, "The messages cannot be read"),
    "invalid_action": Code(422, "The action is not valid"),
    "invalid_message": Code(422, "The message is not valid"),
    "idempotency_key_reused": Code(422, "The idempotency key was used with another body"),
    "unknown_partition": Code(422, "The topic has no such partition"),
    "schema_violation": Code(422, "The payload does not fit its topic's schema"),
    "refused_by_broker": Code(422, "Kafka refused the message"),
    "atomic": Code(422, "Not sent, because another message of the batch has a fault"),
    "rate_limited": Code(429, "Too many messages", True),
    "internal_error": Code(500, "The service made a mistake"),
    "not_supported": Code(501, "This broker cannot do it"),
    "broker_unavailable": Code(503, "Kafka cannot be reached", True, 2),
    "queue_full": Code(503, "The queue is full", True, 1),
    "overloaded": Code(503, "Too much is in flight", True, 1),
    "draining": Code(503, "The service is stopping", True, 1),
    "transaction_aborted": Code(503, "The transaction of the message was aborted", True, 1),
    "delivery_unknown": Code(504, "It is not known whether the message is stored", True),
}
"""Every code of an answer. A test holds that each is on the documentation page."""

FIELD_OF_CODE: Mapping[str, str] = {
    "internal_topic": "topic",
    "topic_forbidden": "topic",
    "unknown_topic": "topic",
    "unknown_partition": "partition",
    "payload_too_large": "payload",
}
"""Codes that say by themselves which field of the message is at fault."""
CLOSES_CONNECTION = frozenset({"draining", "body_too_large", "corrupt_encoding", "request_timeout"})
FAILED = Code(500, "The message was not delivered")


class Refusal(DemijohnError):
    """A request that gets no success: its code, what happened, and each fault with its place."""

    def __init__(
        self,
        code: str,
        detail: str,
        faults: Sequence[Fault] = (),
        *,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        field = FIELD_OF_CODE.get(code)
        self.faults = tuple(faults) if faults or field is None else (Fault(field, detail),)
        self.headers = tuple(headers)


def refusal_of(error: ProduceError) -> Refusal:
    """The answer to a message that was not delivered, or of which that is not known."""
    faults = error.faults if isinstance(error, MessageInvalid) else ()
    return Refusal(error.code, error.detail, faults)


def code_of(code: str) -> Code:
    """The meaning of `code`; one that is not listed is the service's own mistake."""
    return CODES.get(code, FAILED)


def problem(code: str, detail: str, request_id: str, faults: Sequence[Fault] = (), *, root: str = "") -> dict[str, Any]:
    """The members of a problem document. `root` is that of the call."""
    meaning = code_of(code)
    document: dict[str, Any] = {
        "type": root + DOCS_PAGE + code,
        "title": meaning.title,
        "status": meaning.status,
        "detail": detail,
        "code": code,
        "retriable": meaning.retriable,
        "request_id": request_id,
        "errors": errors_of(faults),
    }
    if code == "delivery_unknown":
        document["duplicate_possible"] = True
    return document


def errors_of(faults: Sequence[Fault]) -> list[dict[str, str]]:
    """Faults as they stand in `errors`."""
    return [{"path": _printable(fault.path), "message": _printable(fault.message)} for fault in faults]


def _printable(text: str) -> str:
    """Names of fields come from the caller and may hold lone surrogates, which UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def problem_headers(code: str) -> tuple[tuple[bytes, bytes], ...]:
    """The response headers that a code asks for."""
    headers: list[tuple[bytes, bytes]] = []
    if (retry_after_s := code_of(code).retry_after_s) is not None:
        headers.append((b"retry-after", str(retry_after_s).encode()))
    if code in CLOSES_CONNECTION:
        headers.append((b"connection", b"close"))
    return tuple(headers)


def refuse(refusal: Refusal, request_id: str, root: str) -> Reply:
    """The whole answer to a refused request."""
    document = problem(refusal.code, _printable(refusal.detail), request_id, refusal.faults, root=root)
    headers = (*problem_headers(refusal.code), *refusal.headers)
    return Reply(document["status"], orjson.dumps(document), PROBLEM_JSON, headers)
