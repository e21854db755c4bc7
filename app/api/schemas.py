"""JSON Schemas of what the API takes and gives, for its OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.producing.contract import MAX_PARTITION

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
INTEGER_OR_NULL: Schema = {"type": ["integer", "null"]}


def _object(properties: Schema, required: list[str] | None = None, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": required or list(properties), **more}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def _encoding(*names: str, description: str) -> Schema:
    return {"type": "string", "enum": list(names), "description": description}


MESSAGE = _object(
    {
        "topic": {"type": "string", "minLength": 1, "maxLength": 249, "pattern": "^[A-Za-z0-9._-]+$"},
        "payload": _described({}, "Any JSON, stored as its text byte for byte; null is a tombstone and needs a key"),
        "payload_encoding": _encoding("json", "text", "base64", description="How payload is to be read"),
        "key": _described({}, "A string is its UTF-8, other JSON its text; null is no key"),
        "key_encoding": _encoding("json", "text", "base64", description="How key is to be read"),
        "partition": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_PARTITION},
        "partition_key": _described(TEXT_OR_NULL, "Chooses the partition instead of key; not stored"),
        "headers": {
            "description": "An object name → value, or a list of [name, value]; order and repeats are kept",
            "oneOf": [
                {"type": "object", "additionalProperties": TEXT_OR_NULL},
                _list(_list(TEXT_OR_NULL, minItems=2, maxItems=2)),
                {"type": "null"},
            ],
        },
        "headers_encoding": _encoding("text", "base64", description="How header values are to be read"),
        "timestamp": {
            "description": "Milliseconds since 1970, or RFC 3339 with its zone; by default now",
            "oneOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "format": "date-time"},
                {"type": "null"},
            ],
        },
        "label": {"type": ["string", "null"], "maxLength": 256, "description": "Echoed in the answer, never stored"},
    },
    ["topic", "payload"],
    additionalProperties=False,
    examples=[{"topic": "example", "payload": {"ping": "pong"}, "key": "k-1"}],
)
ERRORS = _list(_object({"path": TEXT, "message": TEXT}))
FAILURE = _object(
    {
        "status": {"type": "string", "enum": ["failed", "unknown", "not_sent"]},
        "code": TEXT,
        "detail": TEXT,
        "retriable": BOOLEAN,
        "errors": ERRORS,
        "label": TEXT_OR_NULL,
    }
)
DELIVERY = {"topic": TEXT, "partition": INTEGER, "offset": INTEGER_OR_NULL, "timestamp": INTEGER}
REASONS = _list(_object({"code": TEXT, "detail": TEXT, "since": {"type": "string", "format": "date-time"}}))

SCHEMAS: Mapping[str, Schema] = {
    "Message": MESSAGE,
    "Batch": _object({"messages": _list(_ref("Message"), minItems=1)}, additionalProperties=False),
    "Delivered": _object(
        {
            **DELIVERY,
            "key": _described({}, 'Text, or {"base64": …} where it is not UTF-8, or null'),
            "label": TEXT_OR_NULL,
            "error": {"type": "null"},
            "latency_ms": {"type": "number"},
        }
    ),
    "Accepted": _object(
        {
            "receipt_id": TEXT,
            "status": {"type": "string", "enum": ["pending"]},
            "topic": TEXT,
            "label": TEXT_OR_NULL,
        }
    ),
    "BatchResult": _object(
        {
            "delivered": INTEGER,
            "failed": INTEGER,
            "unknown": INTEGER,
            "results": _list(
                {"oneOf": [_object({"status": {"const": "delivered"}, **DELIVERY, "label": TEXT_OR_NULL}), FAILURE]}
            ),
        }
    ),
    "BatchAccepted": _object({"receipts": _list({"oneOf": [_ref("Accepted"), FAILURE]})}),
    "Receipt": _object(
        {
            "receipt_id": TEXT,
            "status": {"type": "string", "enum": ["pending", "delivered", "failed", "unknown"]},
            "topic": TEXT,
            "partition": INTEGER_OR_NULL,
            "offset": INTEGER_OR_NULL,
            "code": TEXT_OR_NULL,
            "detail": TEXT_OR_NULL,
            "accepted_at": {"type": "string", "format": "date-time"},
            "settled_at": {"type": ["string", "null"], "format": "date-time"},
        }
    ),
    "Health": _object(
        {
            "status": TEXT,
            "reasons": REASONS,
            "notes": _list(_object({"code": TEXT, "detail": TEXT})),
        },
        ["status"],
    ),
    "Problem": _object(
        {
            "type": _described(TEXT, "Where the code is explained"),
            "title": TEXT,
            "status": INTEGER,
            "detail": TEXT,
            "code": TEXT,
            "retriable": _described(BOOLEAN, "Whether the same request may succeed later"),
            "request_id": TEXT,
            "errors": ERRORS,
            "duplicate_possible": _described(BOOLEAN, "Only with delivery_unknown: sending again may duplicate"),
        },
        ["type", "title", "status", "detail", "code", "retriable", "request_id", "errors"],
    ),
}
