"""What the OpenAPI document says of the routes of Confluent's REST Proxy v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
ERROR: Document = {
    "description": "An error of these routes",
    "content": {
        "application/vnd.kafka.v2+json": {
            "schema": {
                "type": "object",
                "properties": {"error_code": {"type": "integer"}, "message": {"type": "string"}},
                "required": ["error_code", "message"],
            },
            "example": {"error_code": 40401, "message": "Topic orders does not exist"},
        }
    },
}
TIMEOUT: Document = {
    "name": "timeout",
    "in": "query",
    "required": False,
    "schema": {"type": "number", "minimum": 0.1},
    "description": "How many seconds to wait for the verdicts, at most HTTP_MAX_TIMEOUT_S; by default HTTP_TIMEOUT_S",
}
JSON_RECORDS = {"records": [{"key": "k-1", "value": {"ping": "pong"}}, {"value": 1, "partition": 0}]}
BINARY_RECORDS = {"records": [{"key": "ay0x", "value": "cG9uZw=="}]}
NULL_OR = {"type": ["string", "number", "object", "array", "boolean", "null"]}
RECORDS: Document = {
    "type": "object",
    "additionalProperties": False,
    "required": ["records"],
    "properties": {
        "records": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "key": NULL_OR,
                    "value": NULL_OR,
                    "partition": {"type": ["integer", "null"], "minimum": 0},
                    "timestamp": {"type": ["integer", "null"], "minimum": 0},
                    "headers": {
                        "type": ["array", "null"],
                        "items": {
                            "type": "object",
                            "required": ["key"],
                            "properties": {"key": {"type": "string"}, "value": {"type": ["string", "null"]}},
                        },
                    },
                },
            },
        }
    },
}
OFFSETS_EXAMPLE = {
    "key_schema_id": None,
    "value_schema_id": None,
    "offsets": [{"partition": 2, "offset": 100, "error_code": None, "error": None}],
}
PARTITION_EXAMPLE = {"partition": 0, "leader": 1, "replicas": [{"broker": 1, "leader": True, "in_sync": True}]}
READS: Mapping[str, tuple[str, Any]] = {
    "/topics": ("The topics", ["orders", "payments"]),
    "/topics/{topic}": (
        "One topic, its configuration and partitions",
        {"name": "orders", "configs": {"cleanup.policy": "delete"}, "partitions": [PARTITION_EXAMPLE]},
    ),
    "/topics/{topic}/partitions": ("The partitions of a topic", [PARTITION_EXAMPLE]),
    "/topics/{topic}/partitions/{partition}": ("One partition of a topic", PARTITION_EXAMPLE),
    "/topics/{topic}/partitions/{partition}/offsets": (
        "First offset of a partition, and the one after its last",
        {"beginning_offset": 10, "end_offset": 50},
    ),
    "/brokers": ("The ids of the brokers", {"brokers": [1, 2, 3]}),
}


def _parameters(path: str) -> list[Document]:
    kinds = {"topic": "string", "partition": "integer"}
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": kind}}
        for name, kind in kinds.items()
        if f"{{{name}}}" in path
    ]


def _v2(example: Any) -> Document:
    return {"application/vnd.kafka.v2+json": {"schema": {}, "example": example}}


def confluent_read(path: str) -> Document:
    """That of one of the reads."""
    summary, example = READS[path]
    return {
        "summary": summary,
        "operation_id": "confluent_"
        + "_".join(part for part in path.split("/") if part and "{" not in part)
        + ("_one" if path.endswith("}") else ""),
        "tags": ["Confluent REST Proxy v2"],
        "responses": {200: {"description": summary, "content": _v2(example)}, 404: ERROR, 503: ERROR},
        "openapi_extra": {"parameters": _parameters(path)},
    }


def confluent_produce(path: str) -> Document:
    """That of one of the two routes that produce."""
    return {
        "summary": "Produce records" + (" to one partition" if "{partition}" in path else ""),
        "operation_id": "confluent_produce" + ("_to_partition" if "{partition}" in path else ""),
        "tags": ["Confluent REST Proxy v2"],
        "status_code": 200,
        "response_description": "One offset, or error, for each record, in order",
        "responses": {
            200: {"description": "One offset, or error, for each record, in order", "content": _v2(OFFSETS_EXAMPLE)},
            **dict.fromkeys((400, 401, 403, 404, 413, 415, 422, 429, 503), ERROR),
        },
        "openapi_extra": {
            "parameters": [*_parameters(path), TIMEOUT],
            "requestBody": {
                "required": True,
                "content": {
                    "application/vnd.kafka.json.v2+json": {"schema": RECORDS, "example": JSON_RECORDS},
                    "application/vnd.kafka.binary.v2+json": {"schema": RECORDS, "example": BINARY_RECORDS},
                },
            },
        },
    }
