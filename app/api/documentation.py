"""What the OpenAPI document says of the routes, beside what FastAPI finds out by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.api.confluent_documentation import confluent_produce
from app.api.examples import LINES, RESULT_LINES, examples
from app.api.problems import CODES, PROBLEM_JSON
from app.api.schemas import SCHEMAS
from app.producing.contract import MAX_PARTITION

Document = dict[str, Any]
NDJSON = "application/x-ndjson"


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str, description: str) -> Document:
    return {"description": description, "content": {"application/json": _typed(name)}}


def _typed(name: str) -> Document:
    return {"schema": _ref(name), **examples(name)}


def _lines(description: str, example: str) -> Document:
    return {"schema": {"type": "string", "description": description}, "example": example}


def _problem(description: str) -> Document:
    return {"description": description, "content": {PROBLEM_JSON.decode(): _typed("Problem")}}


def _problems(*statuses: int) -> dict[int | str, Document]:
    listed: dict[int | str, Document] = {}
    for status in statuses:
        codes = [name for name, code in CODES.items() if code.status == status]
        listed[status] = _problem(f"Codes: {', '.join(codes)}")
    return listed


def _query(name: str, schema: Document, description: str) -> Document:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _body(name: str) -> Document:
    return {"required": True, "content": {"application/json": _typed(name)}}


MODE = _query(
    "mode",
    {"type": "string", "enum": ["sync", "async"], "default": "sync"},
    "sync waits for Kafka's verdict, async answers with a receipt",
)
TIMEOUT = _query(
    "timeout",
    {"type": "number", "minimum": 0.1},
    "How many seconds a sync call waits for the verdict, at most HTTP_MAX_TIMEOUT_S; by default HTTP_TIMEOUT_S",
)
ATOMIC = _query(
    "atomic",
    {"type": "boolean", "default": False},
    "true: a fault in one message that can be known before sending keeps all from being sent",
)
IDEMPOTENCY_KEY: Document = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
    "description": "The same call with the same key gets the same answer, for HTTP_IDEMPOTENCY_TTL_S",
}
TOPIC: Document = {
    "name": "topic",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 249, "pattern": "^[A-Za-z0-9._-]+$"},
}
RAW_FIELDS = (
    _query("key", {"type": "string"}, "The key; bytes that are not UTF-8 are percent-encoded"),
    _query("partition", {"type": "integer", "minimum": 0, "maximum": MAX_PARTITION}, "By default chosen"),
    _query("partition_key", {"type": "string"}, "Chooses the partition instead of key; not stored"),
    _query("timestamp", {"type": "string"}, "Milliseconds since 1970, or RFC 3339 with its zone; by default now"),
    _query("label", {"type": "string", "maxLength": 256}, "Echoed in the answer, never stored"),
    _query("tombstone", {"type": "boolean", "default": False}, "true, with an empty body: a null payload"),
)

PRODUCE: Document = {
    "summary": "Produce one message",
    "operation_id": "produce",
    "tags": ["produce"],
    "status_code": 200,
    "response_description": "Delivered: the message is stored in Kafka",
    "responses": {
        200: _json("Delivered", "Delivered: the message is stored in Kafka"),
        202: _json("Accepted", "Queued (mode=async); the receipt tells what becomes of it"),
        **_problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504),
    },
    "openapi_extra": {"requestBody": _body("Message"), "parameters": [MODE, TIMEOUT, IDEMPOTENCY_KEY]},
}
BATCH: Document = {
    "summary": "Produce many messages",
    "operation_id": "produce_batch",
    "tags": ["produce"],
    "status_code": 200,
    "response_description": "All messages are stored in Kafka",
    "responses": {
        200: {
            "description": "All messages are stored in Kafka; or a result line for each line of a stream",
            "content": {"application/json": _typed("BatchResult"), NDJSON: _lines("Result lines", RESULT_LINES)},
        },
        202: _json("BatchAccepted", "Queued (mode=async), as far as nothing is known against them"),
        207: _json("BatchResult", "At least one message is stored and at least one is not"),
        **_problems(400, 401, 403, 408, 413, 415, 422, 429, 503, 504),
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": _typed("Batch"), NDJSON: _lines("A message in each line", LINES)},
        },
        "parameters": [MODE, TIMEOUT, ATOMIC, IDEMPOTENCY_KEY],
    },
}
RAW: Document = {
    "summary": "Produce one message whose payload is the body, as it is",
    "operation_id": "produce_raw",
    "tags": ["produce"],
    "status_code": 200,
    "response_description": "Delivered: the message is stored in Kafka",
    "responses": {
        200: _json("Delivered", "Delivered: the message is stored in Kafka"),
        202: _json("Accepted", "Queued (mode=async); the receipt tells what becomes of it"),
        **_problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504),
    },
    "openapi_extra": {
        "requestBody": {"required": False, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        "parameters": [TOPIC, *RAW_FIELDS, MODE, TIMEOUT, IDEMPOTENCY_KEY],
    },
}
PRODUCING: Mapping[str, Document] = {
    "/produce": PRODUCE,
    "/produce/batch": BATCH,
    "/produce/{topic}": RAW,
    **{path: confluent_produce(path) for path in ("/topics/{topic}", "/topics/{topic}/partitions/{partition}")},
}
RECEIPT: Document = {
    "summary": "What became of a message that was produced with mode=async",
    "operation_id": "read_receipt",
    "tags": ["produce"],
    "responses": {200: _json("Receipt", "The receipt as it is now"), **_problems(401, 403, 404)},
    "openapi_extra": {
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
            {
                "name": "Prefer",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "example": "wait=10"},
                "description": "wait=N: the answer comes with the verdict, or after N seconds, at most 30",
            },
        ],
    },
}
LIVE: Document = {
    "summary": "Whether this instance works; if not, restart it",
    "operation_id": "live",
    "tags": ["health"],
    "responses": {200: _json("Health", "Live, also while Kafka is away"), 503: _json("Health", "Beyond repair")},
}
READY: Document = {
    "summary": "Whether this instance should be sent requests",
    "operation_id": "ready",
    "tags": ["health"],
    "responses": {200: _json("Health", "Ready"), 503: _json("Health", "Not ready, with reasons")},
}
ASYNCAPI: Document = {
    "summary": "What the routing table receives and sends, as an AsyncAPI document",
    "operation_id": "asyncapi",
    "tags": ["description"],
    "responses": {200: {"description": "AsyncAPI 3", "content": {"application/json": {"schema": {"type": "object"}}}}},
}
METRICS: Document = {
    "summary": "Metrics for Prometheus",
    "operation_id": "metrics",
    "tags": ["health"],
    "responses": {200: {"description": "Prometheus text, or OpenMetrics by Accept", "content": {"text/plain": {}}}},
}


def complete(document: Document) -> Document:
    """The generated OpenAPI document with the schemas that its routes refer to."""
    components: Document = document.setdefault("components", {})
    schemas: Document = components.setdefault("schemas", {})
    schemas.update(SCHEMAS)
    schemas["Problem"] = {**SCHEMAS["Problem"], "x-codes": codes_listed()}
    return document


def codes_listed() -> Mapping[str, Document]:
    """Every code with its status, title and whether the same request may succeed later."""
    return {
        name: {"status": code.status, "title": code.title, "retriable": code.retriable} for name, code in CODES.items()
    }
