"""Every error of the service, grouped by what the one who catches it can do.

DemijohnError
├── ConfigurationError          fix the settings or the table, start again (exit code 1)
│   ├── SettingsInvalid
│   ├── RoutesInvalid
│   ├── TopicsInvalid
│   └── AddressInUse
├── EmbeddedBrokerError         fix Java, the jars or the data directory; or name a broker
├── KafkaUnavailable            wait: no broker answered in time
├── AdminRefused                correct what was asked for: `code` and text are the broker's
│   ├── AdminForbidden          give the service's user the right that the text names
│   ├── NoSuchResource          name a topic, partition or group that exists
│   └── NotSupportedByBroker    do without: this broker cannot do it
├── TooManyLooks                try again later: others look into topics
├── CommitRefused               nothing to do: the records will be delivered again
├── CommitUnknown               commit again while the assignment holds
│   └── TopicsGone              nothing to do: a topic has been deleted, the other offsets are committed
├── MembershipLost              open a new client and join again
│   └── DuplicateInstance       wait until the other client has gone: it uses the same instance id
├── FetchFailed                 wait: this partition cannot be read now
├── PositionLost                the place to read from has gone: look up another and seek
├── CommandRefused              tell the operator why: an instance will not do it
├── ProduceError                one message; `code`, `retriable`, `stored` say what to do
│   ├── MessageInvalid          correct the message
│   ├── UnknownTopic            create the topic or correct its name
│   ├── UnknownPartition        choose one that exists
│   ├── PayloadTooLarge         send less: our own limit
│   ├── RecordTooLarge          send less: the topic's limit
│   ├── RefusedByBroker         correct the message or the topic's settings
│   ├── BrokerUnavailable       send again: certainly not stored
│   ├── QueueFull               send again later: certainly not stored
│   ├── ProducerClosed          send again, to another instance: certainly not stored
│   ├── RolledBack              run the transaction again: the message is not visible
│   └── DeliveryUnknown         may be stored: sending again may duplicate it
├── ProduceManyError            look at `reports`, one for each message
├── TransactionError
│   ├── TransactionAborted      run it again: nothing of it is visible
│   ├── TransactionFenced       another producer has the transactional id now: look before you run it again
│   └── TransactionUnknown      it may be committed: running it again may duplicate it
├── AbortTransaction            raised by you, in a transaction, to abort it quietly
└── ConsumeError                raised in consumers
    ├── MessageFailed           everything before this message is done, this one failed
    ├── UndecodablePayload      the payload of this message cannot be read
    ├── DispatchedByConsumer    the consumer gave the message up itself
    └── SeekFailed              there is no such place: the position is as it was
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


class Fault(NamedTuple):
    """One thing wrong in an input: where it stands and what to do about it."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DemijohnError(Exception):
    """Something went wrong in Demijohn."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigurationError(DemijohnError):
    """The service cannot start as it is configured.

    `faults` lists everything that is wrong, each with its place.
    """

    title = "The configuration is not valid"

    def __init__(self, faults: Sequence[Fault] | str) -> None:
        self.faults = (Fault("", faults),) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join([f"{self.title}:", *(f"  - {fault}" for fault in self.faults)]))


class SettingsInvalid(ConfigurationError):
    """A setting is missing, malformed or contradicts another."""

    title = "The settings are not valid"


class RoutesInvalid(ConfigurationError):
    """The routing table has faults."""

    title = "The routing table is not valid"


class TopicsInvalid(ConfigurationError):
    """The declarations of topics have faults."""

    title = "The declarations of topics are not valid"


class AddressInUse(ConfigurationError):
    """Another process listens on the address that the service was told to use."""

    title = "The service cannot listen"


class EmbeddedBrokerError(DemijohnError):
    """The embedded broker could not be started."""


class KafkaUnavailable(DemijohnError):
    """No broker answered in time."""


class AdminRefused(DemijohnError):
    """Kafka refused a question about the cluster, or a change of it. `code` is Kafka's name of the reason."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class AdminForbidden(AdminRefused):
    """The service's user lacks a right."""


class NoSuchResource(AdminRefused):
    """There is no such topic, partition or group."""


class NotSupportedByBroker(AdminRefused):
    """The broker cannot do this."""


class TooManyLooks(DemijohnError):
    """As many people look into topics as may at once."""


class CommitRefused(DemijohnError):
    """The offsets were not committed: the group has moved on. The records will be delivered again."""


class CommitUnknown(DemijohnError):
    """No answer to a commit came in time: it may or may not have happened."""


class TopicsGone(CommitUnknown):
    """Kafka knows a topic of a commit no longer; the other offsets of it are committed."""


class MembershipLost(DemijohnError):
    """The coordinator has refused this member: its client cannot go on."""


class DuplicateInstance(MembershipLost):
    """Another live client is a member of the group under this one's instance id."""


class FetchFailed(DemijohnError):
    """The records of one partition cannot be read: not allowed, damaged, or in an unknown codec."""


class PositionLost(DemijohnError):
    """A partition has no position to read from: none is committed, or the committed one is out of range.

    `partitions` maps (topic, partition) to the position that was refused, or to None where there was none.
    """

    def __init__(self, partitions: dict[tuple[str, int], int | None]) -> None:
        self.partitions = partitions
        super().__init__(f"No position to read from in {partitions}")


class CommandRefused(DemijohnError):
    """An instance will not do what an operator asked for."""


class ProduceError(DemijohnError):
    """A message was not delivered, or it is not known whether it was.

    `code` is the stable name of the reason, `retriable` says whether the same message may succeed later,
    `stored` is False where the message is certainly not in Kafka and None where that is not known.
    """

    code = "produce_failed"
    retriable = False
    stored: bool | None = False

    @property
    def detail(self) -> str:
        """What happened, in a sentence for the one who sent the message."""
        return str(self.args[0])


class MessageInvalid(ProduceError):
    """A message cannot be sent as it is. `faults` lists everything that is wrong with it."""

    code = "invalid_message"

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(str(fault) for fault in self.faults))


class UnknownTopic(ProduceError):
    """The topic does not exist."""

    code = "unknown_topic"


class UnknownPartition(ProduceError):
    """The topic has no such partition."""

    code = "unknown_partition"


class PayloadTooLarge(ProduceError):
    """The payload is larger than PRODUCER_MAX_PAYLOAD_BYTES allows."""

    code = "payload_too_large"


class RecordTooLarge(ProduceError):
    """The record is larger than the topic's max.message.bytes allows."""

    code = "record_too_large"


class RefusedByBroker(ProduceError):
    """Kafka refused the record."""

    code = "refused_by_broker"


class BrokerUnavailable(ProduceError):
    """Kafka could not be reached in time; the message was withdrawn and is not stored."""

    code = "broker_unavailable"
    retriable = True


class QueueFull(ProduceError):
    """The queue of the producer stayed full for as long as PRODUCER_QUEUE_FULL_WAIT_S allows."""

    code = "queue_full"
    retriable = True


class ProducerClosed(ProduceError):
    """The producer is closing and takes no more messages."""

    code = "draining"
    retriable = True


class RolledBack(ProduceError):
    """The message's transaction was aborted: nobody who reads committed records sees it."""

    code = "transaction_aborted"
    retriable = True


class DeliveryUnknown(ProduceError):
    """No verdict came in time: the message may be stored, and sending it again may duplicate it."""

    code = "delivery_unknown"
    retriable = True
    stored = None


class ProduceManyError(DemijohnError):
    """Some messages of a batch were not delivered. `reports` has one report per message, in order."""

    def __init__(self, reports: Sequence[Any]) -> None:
        self.reports = tuple(reports)
        failed = [report.error for report in self.reports if report.error is not None]
        super().__init__(f"{len(failed)} of {len(self.reports)} messages were not delivered, first: {failed[0]}")


class TransactionError(DemijohnError):
    """A transaction did not end with a commit."""


class TransactionAborted(TransactionError):
    """The transaction was aborted; nothing of it is visible. The cause says why."""


class TransactionFenced(TransactionError):
    """Kafka refused the transaction: it was open for too long, or another producer uses its transactional id."""


class TransactionUnknown(TransactionError):
    """Kafka did not answer the commit in time: the transaction may be committed as a whole, or not at all."""


class AbortTransaction(DemijohnError):
    """Raise it inside a transaction to abort it: the block ends quietly and nothing of it is visible."""


class Positioned(Protocol):
    """Whatever stands at an offset of a partition."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...


class ConsumeError(DemijohnError):
    """A consumer could not handle a message."""


class MessageFailed(ConsumeError):
    """Everything before `message` in the batch is done, `message` itself failed: `raise ... from error`."""

    def __init__(self, message: Positioned) -> None:
        self.message = message
        super().__init__(f"Message {message.offset} of {message.topic}-{message.partition} failed")


class UndecodablePayload(ConsumeError):
    """The payload of `message` cannot be decoded; the cause says why."""

    def __init__(self, message: Positioned) -> None:
        self.message = message
        super().__init__(
            f"The payload of message {message.offset} of {message.topic}-{message.partition} cannot be decoded"
        )


class DispatchedByConsumer(ConsumeError):
    """The consumer gave this message up."""


class SeekFailed(ConsumeError):
    """The partition has no such offset; the position is as it was."""
