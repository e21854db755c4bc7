"""`Consumer`, the base class of everything in `app/consumers/`.

    class PaymentsConsumer(Consumer):
        async def consume(self) -> None:
            for message in self.messages:
                await book(message.payload)

There is one object per assigned partition, made at its first batch and kept until the partition goes.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Coroutine, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from app.errors import MessageFailed, UndecodablePayload
from app.messages import DeliveryReport, Message, Messages, OutgoingMessage

if TYPE_CHECKING:
    from app.producer import DeliveryHandle, Producer

__all__ = ["Consumer", "ConsumerContext", "Message", "MessageFailed", "SeekTarget", "UndecodablePayload"]


T = TypeVar("T")
SeekTarget = int | datetime | Literal["earliest", "latest"]
"""Where to read on: an offset, the first record at or after an aware time, or an end of the partition."""


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

    def pause(self, offset: int | None, ms: int | None) -> None:
        """No batch after this one, for `ms` or until `resume`; then from `offset`, where it is given."""

    def resume(self) -> None:
        """Ends a pause."""

    async def seek(self, target: SeekTarget) -> bool:
        """The next batch begins at `target`. False when the partition was lost."""

    async def dispatch_to_dlq(self, message: Message, error: BaseException | None) -> bool:
        """Stores `message` in the line's DLQ. False when the partition was lost."""

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of `coroutine`, run on the service's loop, for a hook that runs in a thread."""


class Consumer:
    """Handles the messages of one partition. Subclass it, implement `consume`, name it in `app/routing.py`.

    Hooks are called one at a time, in this order: `initialized` once before the first `consume`; `consume`
    for every batch; `eofed` when the end of the partition is reached; then `revoked` when the partition moves away,
    or `shutdown` when the service stops, never both. `wrap` is entered around each of them. An error in `consume`
    makes the batch be retried; errors in the other hooks are reported and ignored.

    An `async def` hook runs on the service's loop and must not block it. A plain `def` hook runs in a thread, for
    blocking code; what is awaited elsewhere is called there as `self.wait(self.producer.produce_sync(…))`.
    """

    def __init__(self, context: ConsumerContext) -> None:
        self._context = context
        self.log = logging.getLogger(f"demijohn.consumers.{type(self).__name__}")
        self.tags = Tags()

    def initialized(self) -> Awaitable[None] | None:
        """Called once, before the first `consume`."""
        return None

    def consume(self) -> Awaitable[None] | None:
        """Called with every batch in `self.messages`. Must be implemented."""
        raise NotImplementedError(f"{type(self).__name__} has no consume()")

    def eofed(self) -> Awaitable[None] | None:
        """Called when the end of the partition has been reached and there is nothing to read; again only after more
        was read."""
        return None

    def revoked(self) -> Awaitable[None] | None:
        """Called when the partition has moved away, after everything finished was committed."""
        return None

    def shutdown(self) -> Awaitable[None] | None:
        """Called when the service stops, after everything finished was committed."""
        return None

    def wrap(self, hook: str) -> AbstractAsyncContextManager[Any]:
        """An async context manager that is entered around every hook, on the service's loop; `hook` is its name. May
        be written without that parameter. What it raises counts as raised by the hook."""
        return nullcontext()

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

        Returns whether the partition is still ours. A message older than what is marked changes nothing. Raises
        ValueError for a message of another partition.
        """
        self._must_be_ours(message)
        return self._context.mark(message.offset)

    def _must_be_ours(self, message: Message) -> None:
        if (message.topic, message.partition) != (self.topic, self.partition):
            raise ValueError(f"{message!r} is not a message of {self.topic}-{self.partition}")

    async def mark_as_consumed_now(self, message: Message) -> bool:
        """As `mark_as_consumed`, and commits at once: when this returns True, Kafka knows, or will be told with the
        next commit where it did not answer within 10 s."""
        return self.mark_as_consumed(message) and await self.commit()

    async def commit(self) -> bool:
        """Commits what is marked now instead of at the next interval. Returns whether the partition is still ours."""
        return await self._context.commit()

    def pause(self, offset: int | None = None, ms: int | None = None) -> None:
        """No batch after this one for `ms` milliseconds, or until `resume` where it is None.

        Then reading goes on at `offset`, or behind this batch where it is None. This batch is not marked by itself.
        Raises ValueError where a number is negative.
        """
        if (offset is not None and offset < 0) or (ms is not None and ms < 0):
            raise ValueError(f"pause(offset={offset}, ms={ms}): neither may be negative")
        self._context.pause(offset, ms)

    def resume(self) -> None:
        """Ends a pause that `pause` began; may be called from anywhere, also from other threads."""
        self._context.resume()

    async def seek(self, target: SeekTarget) -> bool:
        """The next batch begins at `target`, and what is committed follows, also backwards, once this hook is done.

        This batch is not marked by itself. Returns whether the partition is still ours. Where it raises nothing has
        changed: SeekFailed for an offset that the partition does not have, KafkaUnavailable, ValueError for a time
        without a zone. A hook that fails takes its seek back.
        """
        return await self._context.seek(target)

    async def dispatch_to_dlq(self, message: Message, error: BaseException | None = None) -> bool:
        """Stores `message` in the line's DLQ and waits for the broker's word; marks nothing.

        `error` is what the headers name. Returns whether it was stored: False where the partition is being taken
        away. Raises ProduceError, and RuntimeError where the line has no DLQ.
        """
        self._must_be_ours(message)
        return await self._context.dispatch_to_dlq(message, error)

    async def produce_sync(self, **message: Any) -> DeliveryReport:
        """`self.producer.produce_sync`."""
        return await self.producer.produce_sync(**message)

    async def produce_async(self, **message: Any) -> DeliveryHandle:
        """`self.producer.produce_async`."""
        return await self.producer.produce_async(**message)

    async def produce_many_sync(self, messages: Iterable[OutgoingMessage | Mapping[str, Any]]) -> list[DeliveryReport]:
        """`self.producer.produce_many_sync`."""
        return await self.producer.produce_many_sync(messages)

    async def produce_many_async(self, messages: Iterable[OutgoingMessage | Mapping[str, Any]]) -> list[DeliveryHandle]:
        """`self.producer.produce_many_async`."""
        return await self.producer.produce_many_async(messages)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Waits for `coroutine` in a hook that is a plain `def`, and returns its result or raises its error.

        Raises RuntimeError in an `async def` hook: use await there.
        """
        return self._context.wait(coroutine)


class Tags:
    """Words that a consumer gives the job at hand, for log lines and the dashboard: `self.tags.add("step", "2")`."""

    def __init__(self) -> None:
        self._tags: dict[str, str] = {}

    def add(self, name: str, value: str) -> None:
        """Adds a tag, or replaces the one of this name."""
        self._tags[name] = str(value)

    def delete(self, name: str) -> None:
        """Takes a tag away; nothing happens where there is none of this name."""
        self._tags.pop(name, None)

    def clear(self) -> None:
        self._tags.clear()

    def __iter__(self) -> Iterator[str]:
        return iter(self._tags.values())

    def __len__(self) -> int:
        return len(self._tags)
