"""Messages on their way in and out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.errors import BrokerUnavailable, DeliveryUnknown, UndecodablePayload
from app.messages import (
    Message,
    Messages,
    TopicPartition,
    status_of,
)
from app.serialization import Deserializers
from tests.fakes import FakeRecord, records


class Counting:
    """A deserialiser that counts its calls."""

    def __init__(self, answer: object) -> None:
        self.calls = 0
        self.answer = answer

    def __call__(self, raw: bytes) -> object:
        self.calls += 1
        return self.answer


@pytest.mark.parametrize("value", [None, 0, "", False, [], {"a": 1}])
def test_a_payload_is_decoded_once_also_when_it_is_falsy(value: object) -> None:
    decode = Counting(value)
    message = Message(FakeRecord(0), Deserializers(payload=decode, key=decode))
    assert decode.calls == 0
    assert [message.payload, message.payload] == [value, value]
    assert decode.calls == 1


def test_a_null_payload_is_a_tombstone_and_is_never_decoded() -> None:
    message = Message(FakeRecord(0, None), Deserializers(payload=Counting(1)))
    assert message.tombstone
    assert message.payload is None
    assert Messages([FakeRecord(0, None)]).payloads == [None]


def test_the_json_null_is_a_payload_and_no_tombstone() -> None:
    message = Message(FakeRecord(0, b"null"))
    assert (message.payload, message.tombstone) == (None, False)


def test_what_cannot_be_decoded_fails_where_it_is_first_touched_and_names_its_place() -> None:
    message = Message(FakeRecord(5, b"{"))
    with pytest.raises(UndecodablePayload, match="message 5 of t-0") as raised:
        _ = message.payload
    assert raised.value.message is message
    assert isinstance(raised.value.__cause__, ValueError)
    assert message.raw_payload == b"{"


def test_of_many_payloads_the_first_bad_one_is_named() -> None:
    batch = Messages([FakeRecord(0), FakeRecord(1, b"{"), FakeRecord(2, b"[")])
    with pytest.raises(UndecodablePayload, match="message 1 of"):
        _ = batch.payloads


def test_keys_and_headers_are_text_where_they_can_be_and_never_fail() -> None:
    message = Message(FakeRecord(0, key=b"\xff", headers=[("a", b"1"), ("b", None), ("a", b"\xfe")]))
    assert message.key == b"\xff"
    assert message.headers == {"a": b"\xfe", "b": None}
    assert message.raw_headers == [("a", b"1"), ("b", None), ("a", b"\xfe")]
    assert Message(FakeRecord(0, key="ä".encode())).key == "ä"
    assert Message(FakeRecord(0)).key is None


def test_times_are_aware() -> None:
    message = Message(FakeRecord(0, timestamp=1500))
    assert message.timestamp == datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC)
    assert message.timestamp_ms == 1500
    assert message.received_at.tzinfo is UTC


def test_a_batch_is_a_sequence_of_the_same_messages() -> None:
    batch = Messages(records(3, 4, 5))
    assert [message.offset for message in batch] == [3, 4, 5]
    assert (len(batch), batch.size) == (3, 3)
    assert batch[0] is batch.first
    assert batch[-1] is batch.last
    assert [message.offset for message in batch[1:]] == [4, 5]
    assert batch.payloads == [3, 4, 5]
    with pytest.raises(IndexError):
        _ = batch[3]


def test_lags_are_never_negative() -> None:
    now = datetime.now(UTC)
    future = int((now + timedelta(hours=1)).timestamp() * 1000)
    metadata = Messages([FakeRecord(0, timestamp=future)], created_at=now, processing_lag_ms=-5).metadata
    assert (metadata.consumption_lag_ms, metadata.processing_lag_ms) == (0, 0)
    late = Messages([FakeRecord(0), FakeRecord(1, timestamp=future - 3_700_000)], created_at=now).metadata
    assert late.consumption_lag_ms == pytest.approx(100_000, abs=1)
    assert (late.first_offset, late.last_offset) == (0, 1)


def test_a_partition_is_written_as_kafka_writes_it() -> None:
    assert str(TopicPartition("user_events", 3)) == "user_events-3"


def test_the_status_says_what_is_known() -> None:
    assert status_of(None) == "delivered"
    assert status_of(BrokerUnavailable()) == "failed"
    assert status_of(DeliveryUnknown()) == "unknown"


@pytest.mark.parametrize("bulk_first", [True, False])
def test_each_payload_is_decoded_once_in_bulk_or_one_by_one(bulk_first: bool) -> None:
    decoded: list[bytes] = []

    def decode(raw: bytes) -> list[bytes]:
        decoded.append(raw)
        return [raw]

    batch = Messages(records(0, 1), Deserializers(payload=decode))
    if bulk_first:
        bulk, single = batch.payloads, [message.payload for message in batch]
    else:
        single, bulk = [message.payload for message in batch], batch.payloads
    assert all(one is other for one, other in zip(bulk, single, strict=True))
    assert batch.payloads is batch.payloads
    assert decoded == [b"0", b"1"]
