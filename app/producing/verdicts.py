"""What an answer of the client means for the records of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from aiokafka import errors as kafka

from app.errors import BrokerUnavailable, DeliveryUnknown, ProduceError, RecordTooLarge, RefusedByBroker
from app.kafka.connection import InvalidRecord


class Meaning(Enum):
    """How a failed batch is to be treated."""

    TOO_LARGE = auto()
    """Not stored: too large as a whole or for one record. Send the records one by one."""
    REFUSED = auto()
    """Not stored because of one record. Send the records one by one."""
    FORBIDDEN = auto()
    """Not stored, and no record of it would be."""
    OUT_OF_SEQUENCE = auto()
    """Not stored: the client is of no use for this partition any more. Send again with a new one."""
    UNKNOWN = auto()
    """May be stored."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The meaning of an error, and the text that the broker's name for it makes."""

    meaning: Meaning
    text: str


_MEANINGS: tuple[tuple[type[BaseException], Meaning], ...] = (
    (kafka.MessageSizeTooLargeError, Meaning.TOO_LARGE),
    (kafka.RecordListTooLargeError, Meaning.TOO_LARGE),
    (kafka.InvalidTimestampError, Meaning.REFUSED),
    (kafka.PolicyViolationError, Meaning.REFUSED),
    (InvalidRecord, Meaning.REFUSED),
    (kafka.UnsupportedForMessageFormatError, Meaning.REFUSED),
    (kafka.TopicAuthorizationFailedError, Meaning.FORBIDDEN),
    (kafka.ClusterAuthorizationFailedError, Meaning.FORBIDDEN),
    (kafka.InvalidTopicError, Meaning.FORBIDDEN),
    (kafka.InvalidRequiredAcksError, Meaning.FORBIDDEN),
    (kafka.OutOfOrderSequenceNumber, Meaning.OUT_OF_SEQUENCE),
    (kafka.UnknownProducerId, Meaning.OUT_OF_SEQUENCE),
    (kafka.InvalidProducerEpoch, Meaning.OUT_OF_SEQUENCE),
    (kafka.CorruptRecordException, Meaning.OUT_OF_SEQUENCE),
)


def judge(error: BaseException) -> Verdict:
    """The verdict on a batch whose delivery ended with `error`. What is not recognised is unknown."""
    text = _text(error)
    for kind, meaning in _MEANINGS:
        if isinstance(error, kind):
            return Verdict(meaning, text)
    return Verdict(Meaning.UNKNOWN, text)


def _text(error: BaseException) -> str:
    name = getattr(error, "message", None) or type(error).__name__
    description = getattr(error, "description", None) or str(error)
    return f"{name}: {description}" if description and description != name else str(name)


def failure(verdict: Verdict, limit_bytes: int) -> ProduceError:
    """What the one record that is to blame is told."""
    if verdict.meaning is Meaning.TOO_LARGE:
        return RecordTooLarge(f"Kafka refused the record: larger than the topic's max.message.bytes ({limit_bytes})")
    if verdict.meaning is Meaning.UNKNOWN:
        return DeliveryUnknown(f"It is not known whether the message is stored ({verdict.text})")
    if verdict.meaning is Meaning.OUT_OF_SEQUENCE:
        return BrokerUnavailable(f"Kafka refused the message several times over ({verdict.text}); it is not stored")
    return RefusedByBroker(f"Kafka refused the message ({verdict.text})")
