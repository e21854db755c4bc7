"""Errors in the shape of Confluent's REST Proxy v2: `{"error_code", "message"}`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import orjson

from app.api.problems import Refusal, code_of, problem_headers
from app.api.replies import Reply

V2_JSON = b"application/vnd.kafka.v2+json"
is_confluent_path = re.compile(r"/(?:topics|brokers)(?:/|$)").match


class ConfluentCode(NamedTuple):
    """A status and the number that stands for it in the body."""

    status: int
    number: int


BY_CODE: Mapping[str, ConfluentCode] = {
    "invalid_parameter": ConfluentCode(422, 42201),
    "invalid_idempotency_key": ConfluentCode(422, 42201),
    "unauthorized": ConfluentCode(401, 40101),
    "unknown_topic": ConfluentCode(404, 40401),
    "unknown_partition": ConfluentCode(404, 40402),
    "not_found": ConfluentCode(404, 40403),
    "schema_violation": ConfluentCode(422, 42203),
    "idempotency_key_reused": ConfluentCode(422, 42205),
}
BY_STATUS: Mapping[int, int] = {
    400: 40001,
    403: 40301,
    404: 40403,
    405: 40403,
    406: 40403,
    408: 40001,
    413: 41301,
    415: 41501,
    422: 42201,
    429: 42901,
    500: 50001,
    503: 50302,
    504: 50002,
}
"""Methods that are not allowed and bodies that do not come have no number of their own: the nearest stands for each."""
FAILED, RETRIABLE, FORBIDDEN = 50002, 50003, 40301
"""Numbers of records that were not stored: for good, for now, or because they may not be."""


def confluent_reply(refusal: Refusal) -> Reply:
    """The answer to a refused request."""
    status = code_of(refusal.code).status
    code = BY_CODE.get(refusal.code) or ConfluentCode(status, BY_STATUS.get(status, 50001))
    message = refusal.detail.encode("utf-8", "backslashreplace").decode("utf-8")
    body = orjson.dumps({"error_code": code.number, "message": message})
    return Reply(code.status, body, V2_JSON, (*problem_headers(refusal.code), *refusal.headers))


def record_error(refusal: Refusal) -> int:
    """The number of one record that was not stored, or of which that is not known."""
    meaning = code_of(refusal.code)
    if meaning.status == 403:
        return FORBIDDEN
    return RETRIABLE if meaning.retriable else FAILED
