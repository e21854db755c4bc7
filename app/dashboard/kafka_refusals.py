"""What Kafka refused, or nobody could do, as the answer to a request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from app.api.problems import Refusal
from app.errors import (
    AdminForbidden,
    AdminRefused,
    DemijohnError,
    FetchFailed,
    KafkaUnavailable,
    NoSuchResource,
    NotSupportedByBroker,
    TooManyLooks,
)

CODES: tuple[tuple[type[DemijohnError], str], ...] = (
    (KafkaUnavailable, "broker_unavailable"),
    (TooManyLooks, "overloaded"),
    (NoSuchResource, "not_found"),
    (AdminForbidden, "kafka_forbids"),
    (NotSupportedByBroker, "not_supported"),
    (AdminRefused, "kafka_refused"),
    (FetchFailed, "unreadable"),
)


@contextlib.contextmanager
def kafka_refusals(*, of_kafka_away: bool = True) -> Iterator[None]:
    """Raises Refusal instead of what the admin client and the explorer raise; of KafkaUnavailable only if wanted."""
    try:
        yield
    except tuple(kind for kind, _ in CODES) as error:
        if isinstance(error, KafkaUnavailable) and not of_kafka_away:
            raise
        code = next(code for kind, code in CODES if isinstance(error, kind))
        raise Refusal(code, str(error)) from error
