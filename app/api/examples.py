"""Examples of bodies and answers, for the OpenAPI document. A test holds that each fits its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INSTANCE = "orders-7d9f:1:c0ffee~0123456789abcdef0123"
DELIVERED = {"topic": "example", "partition": 0, "offset": 41, "timestamp": 1767607200123}
FAILURE = {
    "status": "failed",
    "code": "unknown_topic",
    "detail": "Topic missing does not exist",
    "retriable": False,
    "errors": [{"path": "messages.1.topic", "message": "Topic missing does not exist"}],
    "label": None,
}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "Message": {
        "JSON": {"topic": "example", "payload": {"ping": "pong"}, "key": "k-1"},
        "text": {"topic": "example", "payload": "any characters", "payload_encoding": "text"},
        "bytes": {"topic": "example", "payload": "/wA=", "payload_encoding": "base64"},
        "tombstone": {"topic": "example", "payload": None, "key": "k-1"},
        "everything": {
            "topic": "example",
            "payload": [1, 2],
            "partition_key": "customer-7",
            "headers": [["source", "shop"], ["source", None]],
            "timestamp": "2026-01-05T10:00:00Z",
            "label": "mine",
        },
    },
    "Batch": {
        "two topics": {"messages": [{"topic": "example", "payload": 1}, {"topic": "other", "payload": 2, "label": "b"}]}
    },
    "Delivered": {
        "mode=sync": {**DELIVERED, "key": "k-1", "label": None, "error": None, "latency_ms": 2.4},
    },
    "Accepted": {
        "mode=async": {"receipt_id": INSTANCE, "status": "pending", "topic": "example", "label": None},
    },
    "BatchResult": {
        "some are stored": {
            "delivered": 1,
            "failed": 1,
            "unknown": 0,
            "results": [{"status": "delivered", **DELIVERED, "label": None}, FAILURE],
        }
    },
    "BatchAccepted": {
        "mode=async": {
            "receipts": [{"receipt_id": INSTANCE, "status": "pending", "topic": "example", "label": None}, FAILURE]
        }
    },
    "Receipt": {
        "delivered": {
            "receipt_id": INSTANCE,
            "status": "delivered",
            "topic": "example",
            "partition": 0,
            "offset": 41,
            "code": None,
            "detail": None,
            "accepted_at": "2026-01-05T10:00:00.123Z",
            "settled_at": "2026-01-05T10:00:00.126Z",
        }
    },
    "Problem": {
        "not valid": {
            "type": "/docs#invalid_message",
            "title": "The message is not valid",
            "status": 422,
            "detail": "payload is required",
            "code": "invalid_message",
            "retriable": False,
            "request_id": "0c2f00000001",
            "errors": [{"path": "payload", "message": "is required"}],
        },
    },
}
LINES = '{"topic": "example", "payload": 1}\n{"topic": "example", "payload": 2, "label": "b"}\n'
RESULT_LINES = (
    '{"status":"delivered","topic":"example","partition":0,"offset":41,"timestamp":1767607200123,"label":null}\n'
    '{"status":"delivered","topic":"example","partition":0,"offset":42,"timestamp":1767607200123,"label":"b"}\n'
)


def examples(name: str) -> dict[str, Any]:
    """The member `examples` of a media type whose schema is `name`; empty without any."""
    named = EXAMPLES.get(name)
    return {"examples": {title: {"value": value} for title, value in named.items()}} if named else {}
