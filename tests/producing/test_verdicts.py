"""What an answer of the client means for the records of a batch."""

from __future__ import annotations

import pytest
from aiokafka import errors as kafka

from app.errors import BrokerUnavailable, DeliveryUnknown, RecordTooLarge, RefusedByBroker
from app.kafka.connection import InvalidRecord
from app.producing.verdicts import Meaning, Verdict, failure, judge


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (kafka.MessageSizeTooLargeError(), Meaning.TOO_LARGE),
        (kafka.RecordListTooLargeError(), Meaning.TOO_LARGE),
        (kafka.InvalidTimestampError(), Meaning.REFUSED),
        (InvalidRecord(), Meaning.REFUSED),
        (kafka.TopicAuthorizationFailedError("t"), Meaning.FORBIDDEN),
        (kafka.OutOfOrderSequenceNumber(), Meaning.OUT_OF_SEQUENCE),
        (kafka.UnknownProducerId(), Meaning.OUT_OF_SEQUENCE),
        (kafka.CorruptRecordException(), Meaning.OUT_OF_SEQUENCE),
        (kafka.RequestTimedOutError(), Meaning.UNKNOWN),
        (kafka.KafkaTimeoutError(), Meaning.UNKNOWN),
        (kafka.ProducerClosed(), Meaning.UNKNOWN),
        (kafka.NotEnoughReplicasAfterAppendError(), Meaning.UNKNOWN),
        (kafka.UnknownError(), Meaning.UNKNOWN),
        (RuntimeError("anything"), Meaning.UNKNOWN),
    ],
)
def test_only_what_certainly_is_not_stored_is_called_so(error: BaseException, meaning: Meaning) -> None:
    assert judge(error).meaning is meaning


def test_the_text_names_the_brokers_word_for_it() -> None:
    assert judge(InvalidRecord()).text.startswith("INVALID_RECORD: ")
    assert "RuntimeError" in judge(RuntimeError("odd")).text
    assert "odd" in judge(RuntimeError("odd")).text


@pytest.mark.parametrize(
    ("meaning", "error_class", "stored"),
    [
        (Meaning.TOO_LARGE, RecordTooLarge, False),
        (Meaning.REFUSED, RefusedByBroker, False),
        (Meaning.FORBIDDEN, RefusedByBroker, False),
        (Meaning.OUT_OF_SEQUENCE, BrokerUnavailable, False),
        (Meaning.UNKNOWN, DeliveryUnknown, None),
    ],
)
def test_what_the_caller_is_told(meaning: Meaning, error_class: type, stored: bool | None) -> None:
    error = failure(Verdict(meaning, "NAME: words"), 1000)
    assert type(error) is error_class
    assert error.stored is stored
