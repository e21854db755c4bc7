"""What a dead letter is made of."""

from __future__ import annotations

from datetime import datetime

import pytest

from app.consuming.dead_letters import MAX_ERROR_BYTES, OWN_HEADERS, dead_letter_headers, dispatch, shortened
from app.errors import MessageFailed, UnknownTopic
from tests.consuming.stage import Stage
from tests.fakes import FakeRecord

RECORD = FakeRecord(
    5, b"raw\xff", b"key\xfe", partition=7, headers=[("own", b"\x00"), ("own", None), ("error_class", b"old")]
)


def headers_of(error: BaseException, record: FakeRecord = RECORD) -> dict[str, bytes | None]:
    return dict(dead_letter_headers(record, group="g", attempts=3, error=error))


def test_it_says_where_from_and_why_and_keeps_the_records_own_headers() -> None:
    headers = list(dead_letter_headers(RECORD, group="g", attempts=3, error=ValueError("broken")))
    assert headers[:2] == [("own", b"\x00"), ("own", None)]
    told = dict(headers[2:])
    assert set(told) == OWN_HEADERS - {"source_trace_id"}
    assert told["source_topic"] == b"t"
    assert told["source_partition"] == b"7"
    assert told["source_offset"] == b"5"
    assert told["source_timestamp"] == b"1700000000000"
    assert told["source_consumer_group"] == b"g"
    assert told["source_attempts"] == b"3"
    assert told["error_class"] == b"builtins.ValueError"
    assert told["error_message"] == b"broken"
    failed_at = told["failed_at"]
    assert failed_at is not None
    assert datetime.fromisoformat(failed_at.decode()).tzinfo is not None


def test_headers_of_an_earlier_hop_are_replaced() -> None:
    names = [name for name, _ in dead_letter_headers(RECORD, group="g", attempts=1, error=ValueError())]
    assert names.count("error_class") == 1


def test_the_class_is_that_of_the_cause() -> None:
    error = MessageFailed(RECORD)
    error.__cause__ = KeyError("k")
    assert headers_of(error)["error_class"] == b"builtins.KeyError"
    assert headers_of(MessageFailed(RECORD))["error_class"] == b"app.errors.MessageFailed"


def test_a_trace_is_carried_on() -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    traced = FakeRecord(1, headers=[("traceparent", f"00-{trace}-00f067aa0ba902b7-01".encode())])
    assert headers_of(ValueError(), traced)["source_trace_id"] == trace.encode()
    broken = FakeRecord(1, headers=[("traceparent", b"\xff-nothing")])
    assert "source_trace_id" not in headers_of(ValueError(), broken)


def test_a_long_text_is_cut_between_characters() -> None:
    text = "ä" * MAX_ERROR_BYTES
    assert shortened(text) == "ä" * (MAX_ERROR_BYTES // 2)
    assert len(shortened("x" + text).encode()) == MAX_ERROR_BYTES - 1
    assert shortened("\ud800") == "?"


@pytest.mark.parametrize(("source", "target"), [(0, 0), (2, 2), (7, 1)])
async def test_one_source_partition_goes_to_one_partition_of_the_dlq(stage: Stage, source: int, target: int) -> None:
    for offset in range(3):
        record = FakeRecord(offset, str(offset).encode(), b"k", partition=source)
        await dispatch(stage.producer, "t.dlq", record, group="g", attempts=1, error=ValueError())
    stored = {at.partition: [record.value for record in log] for at, log in stage.kafka.stored.items()}
    assert stored == {target: [b"0", b"1", b"2"]}


async def test_key_payload_and_time_stay_as_they_are(stage: Stage) -> None:
    await dispatch(stage.producer, "t.dlq", RECORD, group="g", attempts=1, error=ValueError())
    stored = stage.kafka.records("t.dlq")[0]
    assert (stored.key, stored.value, stored.timestamp) == (RECORD.key, RECORD.value, RECORD.timestamp)


async def test_a_dlq_that_does_not_exist_is_an_error(stage: Stage) -> None:
    with pytest.raises(UnknownTopic):
        await dispatch(stage.producer, "nowhere", RECORD, group="g", attempts=1, error=ValueError())
