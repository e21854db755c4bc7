"""`Consumer`, the base class of everything in `app/consumers/`.

    class PaymentsConsumer(Consumer):
        async def consume(self) -> None:
            for message in self.messages:
                await book(message.payload)

There is one object per assigned partition, made at its first batch and kept until the partition goes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from app.errors import MessageFailed, UndecodablePayload
from app.messages import Message, Messages

if TYPE_CHECKING:
    from app.producer import Producer

__all__ = ["Consumer", "ConsumerContext", "Message", "MessageFailed", "UndecodablePayload"]


T = TypeVar("T")


class ConsumerContext(Protocol):
    """What the engine tells a consumer about its partition, always up to date."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def group(self) -> str: ...
    @property
    def producer(self) -> Producer: ...
    @property
    def messages(self) -> Messages:
        """The current batch."""

    @property
    def attempt(self) -> int:
        """1 for the first run of the current batch, 2 for its first retry …"""

    @property
    def revoked(self) -> bool:
        """True from the moment the partition is being taken away."""

    @property
    def end(self) -> int | None:
        """The offset of the next record that will be stored in the partition, as of the last fetch."""

    def mark(self, offset: int) -> bool:
        """Everything up to and including `offset` is done. False when the partition was lost."""

    async def commit(self) -> bool:
        """Commits what is marked, now. False when the partition was lost."""

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of `coroutine`, run on the service's loop, for a hook that runs in a thread."""


class Consumer:
    """Handles the messages of one partition. Subclass it, implement `consume`, name it in `app/routing.py`.

    Hooks are called one at a time, in this order: `initialized` once before the first `consume`; `consume`
    for every batch; then `revoked` when the partition moves away, or `shutdown` when the service stops, never
    both. An error in `consume` makes the batch be retried; errors in the other hooks are reported and ignored.

    An `async def` hook runs on the service's loop and must not block it. A plain `def` hook runs in a thread, for
    blocking code; what is awaited elsewhere is called there as `self.wait(self.producer.produce_sync(…))`.
    """

    def __init__(self, context: ConsumerContext) -> None:
        self._context = context
        self.log = logging.getLogger(f"demijohn.consumers.{type(self).__name__}")

    def initialized(self) -> Awaitable[None] | None:
        """Called once, before the first `consume`."""
        return None

    def consume(self) -> Awaitable[None] | None:
        """Called with every batch in `self.messages`. Must be implemented."""
        raise NotImplementedError(f"{type(self).__name__} has no consume()")

    def revoked(self) -> Awaitable[None] | None:
        """Called when the partition has moved away, after everything finished was committed."""
        return None

    def shutdown(self) -> Awaitable[None] | None:
        """Called when the service stops, after everything finished was committed."""
        return None

    @property
    def messages(self) -> Messages:
        """The batch: 1 … `max_messages` messages of this partition, in order."""
        return self._context.messages

    @property
    def topic(self) -> str:
        return self._context.topic

    @property
    def partition(self) -> int:
        return self._context.partition

    @property
    def group(self) -> str:
        """The consumer group's name, Kafka's `group.id`."""
        return self._context.group

    @property
    def producer(self) -> Producer:
        """The service's producer."""
        return self._context.producer

    @property
    def attempt(self) -> int:
        """1 for the first run of this batch, 2 for its first retry …"""
        return self._context.attempt

    @property
    def retrying(self) -> bool:
        return self._context.attempt > 1

    @property
    def is_revoked(self) -> bool:
        """True from the moment the partition is being taken away: finish soon."""
        return self._context.revoked

    @property
    def lag(self) -> int | None:
        """How many records of the partition stand behind this batch, as of the last fetch; None is not known."""
        end, messages = self._context.end, self._context.messages
        return None if end is None or not messages else max(0, end - messages.last.offset - 1)

    @property
    def at_end(self) -> bool:
        """Whether nothing stood behind this batch at the last fetch."""
        return self.lag == 0

    def mark_as_consumed(self, message: Message) -> bool:
        """Says that `message` and everything before it is done; committed with the next commit.

        Returns whether the partition is still ours. A message older than what is marked changes nothing.
        """
        return self._context.mark(message.offset)

    async def mark_as_consumed_now(self, message: Message) -> bool:
        """As `mark_as_consumed`, and commits at once: when this returns True, Kafka knows, or will be told with the
        next commit where it did not answer within 10 s."""
        return self.mark_as_consumed(message) and await self.commit()

    async def commit(self) -> bool:
        """Commits what is marked now instead of at the next interval. Returns whether the partition is still ours."""
        return await self._context.commit()

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Waits for `coroutine` in a hook that is a plain `def`, and returns its result or raises its error.

        Raises RuntimeError in an `async def` hook: use await there.
        """
        return self._context.wait(coroutine)
