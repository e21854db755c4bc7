"""What a test may give to a consumer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from app.errors import MessageInvalid
from app.testing.records import as_given, encoded, record


class Model(BaseModel):
    name: str


class Struct(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"\x00", b"\x00"),
        ("text", b"text"),
        (None, None),
        ({"a": [1, None]}, b'{"a":[1,null]}'),
        (0, b"0"),
        (Model(name="é"), '{"name":"é"}'.encode()),
        (Struct(name="é"), '{"name":"é"}'.encode()),
    ],
)
def test_payloads_are_encoded_as_the_producer_does_and_models_too(payload: Any, value: bytes | None) -> None:
    assert encoded(record(payload)).value == value


def test_what_all_share_is_for_those_that_have_none_of_their_own() -> None:
    shared = {"key": "k", "headers": {"a": "1"}, "partition": 2}
    assert as_given(7, shared) == record(7, key="k", headers={"a": "1"}, partition=2)
    own = record(7, key=b"", partition=0, timestamp=datetime(2024, 1, 1, tzinfo=UTC))
    given = as_given(own, shared)
    assert (given.key, given.headers, given.partition) == (b"", {"a": "1"}, 0)
    raw = encoded(given)
    assert (raw.key, raw.headers, raw.timestamp_ms) == (b"", [("a", b"1")], 1_704_067_200_000)


def test_what_no_producer_could_send_is_refused() -> None:
    with pytest.raises(MessageInvalid, match="key"):
        encoded(record(1, key=5))
