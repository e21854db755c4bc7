"""What must be known of aiokafka's transaction manager: whether it is healthy, how to end its waits, its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka.errors import (
    InvalidProducerEpoch,
    InvalidProducerIdMapping,
    InvalidTxnState,
    KafkaError,
    ProducerFenced,
)
from aiokafka.producer.transaction_manager import TransactionState

from app.errors import TransactionAborted, TransactionFenced, TransactionUnknown
from app.kafka.connection import ProducerFencedByBroker
from app.kafka.tasks import reason

FENCED = (ProducerFenced, ProducerFencedByBroker, InvalidProducerEpoch, InvalidProducerIdMapping)
BROKEN = (TransactionState.ABORTABLE_ERROR, TransactionState.FATAL_ERROR)


def healthy(manager: Any) -> bool:
    """Whether nothing has failed in it. After an error aiokafka forgets which partitions have records of the open
    transaction, so that even its abort would be left out: such a client is of no use."""
    return manager is None or manager.state not in BROKEN


def break_off(manager: Any, error: BaseException) -> None:
    """No answer will come any more: whoever waits for an end of the transaction, or for offsets, is told."""
    if manager is None or manager.transactional_id is None or manager.state is TransactionState.FATAL_ERROR:
        return
    waiting = [manager._transaction_waiter, *(future for _, _, future in manager._pending_txn_offsets)]
    if manager._transaction_waiter is not None:
        manager.fatal_error(error)
        waiting.append(manager._transaction_waiter)
    for future in waiting:
        if future is not None and future.done() and not future.cancelled():
            future.exception()  # nobody may be waiting


@contextmanager
def commit_errors() -> Iterator[None]:
    """The same for a commit that was sent: only Kafka's own word says that it did not happen."""
    try:
        yield
    except FENCED as error:
        raise TransactionFenced(f"Kafka refused the commit: {reason(error)}") from error
    except InvalidTxnState as error:
        raise TransactionAborted(f"Kafka refused the commit: {reason(error)}") from error
    except KafkaError as error:
        raise TransactionUnknown(f"It is not known whether the transaction is committed: {reason(error)}") from error


@contextmanager
def transaction_errors() -> Iterator[None]:
    """Turns the client's errors, and its assertions on the state of a transaction, into ours."""
    try:
        yield
    except FENCED as error:
        raise TransactionFenced(f"Kafka refused the transaction: {reason(error)}") from error
    except (KafkaError, AssertionError) as error:
        raise TransactionAborted(f"The transaction cannot go on: {reason(error)}") from error
