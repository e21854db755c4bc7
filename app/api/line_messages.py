"""The messages of one stream of lines: each is taken on as it comes, and has a result line of its own."""

from __future__ import annotations

import time

import orjson

from app.api.admission import Admission
from app.api.async_messages import AsyncMessages
from app.api.batch_items import Item, make_items
from app.api.calls import Call
from app.api.message_reader import ReadMessage, read_one
from app.api.problems import Refusal
from app.api.produce_options import ProduceOptions
from app.api.services import Services
from app.api.single import missing_text, queue_size, unknown_text
from app.api.topic_policy import TopicPolicy
from app.api.trace_context import trace_headers, traced
from app.errors import ProduceError
from app.events import MessagesProducedAsync, MessagesProducedSync
from app.messages import OutgoingMessage

STOPPING = "The service is stopping: this line, and what follows it, was not sent"


class LineResult:
    """What becomes of one line. `size_bytes` and `messages` are what it holds of the service's limits."""

    __slots__ = ("_item", "_timeout_s", "messages", "size_bytes")

    def __init__(self, item: Item, timeout_s: float, messages: int = 0, size_bytes: int = 0) -> None:
        self._item = item
        self._timeout_s = timeout_s
        self.messages = messages
        self.size_bytes = size_bytes

    @property
    def done(self) -> bool:
        """Whether `settled` would return at once."""
        return self._item.handle is None or self._item.handle.done

    async def settled(self) -> None:
        """Returns at the verdict, or when the message has waited for its time."""
        handle = self._item.handle
        if handle is not None and (left_s := handle.accepted_at + self._timeout_s - time.monotonic()) > 0:
            await handle.settled(left_s)

    def line(self) -> bytes:
        """The result line."""
        item, handle = self._item, self._item.handle
        if handle is not None and not handle.done and not handle.withdraw():
            item.refuse(Refusal("delivery_unknown", unknown_text(self._timeout_s)))
        elif handle is not None and handle.error is not None:
            item.fail(handle.error)
        document = item.result()
        if item.refusal is not None and item.refusal.code == "draining":
            document["status"] = "not_sent"
        return orjson.dumps(document) + b"\n"


class LineMessages:
    """Takes the lines of streams on."""

    def __init__(
        self, services: Services, admission: Admission, policy: TopicPolicy, asynchronous: AsyncMessages
    ) -> None:
        self.services = services
        self.admission = admission
        self.policy = policy
        self.asynchronous = asynchronous

    def of(self, call: Call, options: ProduceOptions) -> CallLines:
        """Those of one call."""
        return CallLines(self, call, options)


class CallLines:
    """The lines of one call. What they hold of the service's limits goes with each result."""

    def __init__(self, shared: LineMessages, call: Call, options: ProduceOptions) -> None:
        self._shared = shared
        self._admission = shared.admission
        self._producer = shared.services.producer
        self._policy = shared.policy.of(call.key)
        self._trace = trace_headers(call.headers)
        self._call = call
        self._options = options
        self._started = time.monotonic()
        self._taken = 0
        self._accepted = 0
        self._topics: set[str] = set()
        self.told_of_stop = False

    def fits(self, size_bytes: int) -> bool:
        """Whether one more message of so many bytes is within the service's limits now."""
        return self._admission.fits(0 if self._options.queued else 1, size_bytes)

    async def take(self, line: bytes) -> LineResult:
        """Takes the message of a line on; a faulty one has its faults as its result."""
        messages = 0 if self._options.queued else 1
        try:
            self._hold(messages, len(line))
        except Refusal as refusal:
            return self.refused(refusal)
        try:
            item = make_items([read_one(line)], self._policy, alone=True)[0]
        except Refusal as refusal:
            item = refused_item(refusal)
        if item.message is not None and item.refusal is None:
            message = traced(item.message, self._trace)
            if self._options.queued:
                await self._queue(item, message)
            else:
                self._accept(item, message)
        return LineResult(item, self._options.timeout_s, messages, len(line))

    def _hold(self, messages: int, size_bytes: int) -> None:
        if self._taken:
            self._admission.count_next(self._call)
        self._taken += 1
        self._admission.hold_bytes(self._call, size_bytes)
        try:
            self._admission.hold_messages(self._call, messages)
        except Refusal:
            self._admission.give_back(self._call, 0, size_bytes)
            raise

    def _accept(self, item: Item, message: OutgoingMessage) -> None:
        try:
            item.handle = self._producer.accept(message, queued=False)
        except ProduceError as error:
            item.fail(error)
        else:
            self._count(message.topic)

    async def _queue(self, item: Item, message: OutgoingMessage) -> None:
        producer = self._producer
        if not producer.knows(message.topic) and await producer.known_topic(message.topic) is False:
            item.refuse(Refusal("unknown_topic", missing_text(message.topic)))
            return
        try:
            await producer.room(1, queue_size(message))
            item.receipt_id = self._shared.asynchronous.enqueue(message)
        except ProduceError as error:
            item.fail(error)
        except Refusal as refusal:
            item.refuse(refusal)
        else:
            self._count(message.topic)

    def _count(self, topic: str) -> None:
        self._accepted += 1
        self._topics.add(topic)

    def refused(self, refusal: Refusal) -> LineResult:
        """The result of a line that is not even read."""
        return LineResult(refused_item(refusal), self._options.timeout_s)

    def refuse_too_long(self) -> LineResult:
        """The result of a line that is longer than a body may be."""
        return self.refused(self._admission.too_large())

    def refuse_stopping(self) -> LineResult:
        """The result of a line that was read when the service had begun to stop."""
        self.told_of_stop = True
        return self.refused(Refusal("draining", STOPPING))

    def release(self, result: LineResult) -> None:
        """The result is there: its message holds nothing any more."""
        self._admission.give_back(self._call, result.messages, result.size_bytes)

    def close(self) -> None:
        """No more lines will come: tells listeners of those that came."""
        if not self._accepted:
            return
        monitor, producer_id = self._shared.services.monitor, self._producer.id
        took_ms = (time.monotonic() - self._started) * 1000
        if self._options.queued:
            monitor.emit(MessagesProducedAsync(producer_id, self._accepted, len(self._topics)))
        else:
            monitor.emit(MessagesProducedSync(producer_id, self._accepted, len(self._topics), took_ms))


def refused_item(refusal: Refusal) -> Item:
    """An item of which nothing is known but why it was refused."""
    item = Item(None, ReadMessage(None, refusal.faults))
    item.refuse(refusal)
    return item
