"""`POST /produce/batch`: many messages, each with a result of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from app.api.admission import Admission
from app.api.async_messages import AsyncMessages
from app.api.atomic import refuse_known_faults
from app.api.batch_items import CAPACITY_CODES, Item, Outcome, answer, make_items, outcome
from app.api.bodies import check_content_encoding, check_content_type, read_body
from app.api.calls import Call, RouteInfo, is_stream
from app.api.message_reader import ReadMessage, read_batch
from app.api.ndjson import NdjsonStreams
from app.api.problems import Refusal
from app.api.produce_options import OptionsReader, ProduceOptions
from app.api.replays import Replays
from app.api.replies import Reply, StreamedReply
from app.api.services import Services
from app.api.single import missing_text, queue_size, unknown_text
from app.api.topic_policy import TopicPolicy
from app.api.trace_context import trace_headers, traced
from app.errors import KafkaUnavailable, ProduceError, QueueFull
from app.events import MessagesProducedAsync, MessagesProducedSync
from app.producer import DeliveryHandle
from app.settings import Settings

YIELD_EVERY = 500
"""So many messages are accepted before other requests get their turn on the loop."""


class BatchRoute:
    """Handles calls to `POST /produce/batch`."""

    info = RouteInfo("/produce/batch", writes=True, produces=True)

    def __init__(
        self, settings: Settings, admission: Admission, batches: Batches, replays: Replays, streams: NdjsonStreams
    ) -> None:
        self._settings = settings
        self._options = OptionsReader(settings, ("mode", "timeout", "atomic"))
        self._admission = admission
        self._replays = replays
        self._batches = batches
        self._streams = streams

    async def __call__(self, call: Call) -> Reply | StreamedReply:
        if not (streamed := is_stream(call)):
            check_content_type(call)
        check_content_encoding(call)
        options = self._options.read(call.query)
        if streamed:
            return self._streams.open(call, options)
        body = await read_body(call, self._admission, self._settings.http_body_timeout_s)
        if b"idempotency-key" in call.headers:
            return await self._replays.answer(call, body, lambda: BatchAttempt(body, options, self._batches))
        return await BatchAttempt(body, options, self._batches).answer(call)


class BatchAttempt:
    """One batch call. Its messages are taken on once, however often it is asked about."""

    conclusive = True

    def __init__(self, body: bytes, options: ProduceOptions, batches: Batches) -> None:
        self._body = body
        self._options = options
        self._batches = batches
        self._items: Sequence[Item] = ()

    async def answer(self, call: Call) -> Reply:
        """Raises Refusal. Called again it waits on for the verdicts that were missing."""
        if self._items:
            return await self._batches.wait_on(self._items, call, self._options.timeout_s)
        body, self._body = self._body, b""
        self._items = self._batches.read(body, call)
        return await self._batches.answer(self._items, call, self._options)

    @property
    def settled(self) -> bool:
        """Whether no later call can be answered in another way."""
        return all(item.handle is None or item.handle.done for item in self._items)


class Batches:
    """Takes batches on, and says what became of each message and of the whole."""

    def __init__(
        self, services: Services, admission: Admission, policy: TopicPolicy, asynchronous: AsyncMessages
    ) -> None:
        self._services = services
        self._asynchronous = asynchronous
        self._max_messages = services.settings.http_max_batch
        self._producer = services.producer
        self._admission = admission
        self._policy = policy

    def read(self, body: bytes, call: Call) -> Sequence[Item]:
        """The messages of a body, those refused already that clients may not send. Raises Refusal."""
        return self.take(read_batch(body, self._max_messages), call)

    def take(self, reads: Sequence[ReadMessage], call: Call) -> Sequence[Item]:
        """The items of messages that were read. Raises Refusal `rate_limited`."""
        items = make_items(reads, self._policy.of(call.key))
        self._admission.count_more(call, len(items) - 1)
        self._carry_trace(call, items)
        return items

    async def answer(self, items: Sequence[Item], call: Call, options: ProduceOptions) -> Reply:
        """Sends them, or none where the call is atomic and one has a fault."""
        if options.atomic and await refuse_known_faults(items, self._services):
            return self._refused_whole(items, call, queued=options.queued)
        if options.queued:
            return await self._queue(items, call)
        await self.deliver(items, call, options.timeout_s)
        decided = outcome(items, 200)
        self._announce_refusal(decided)
        return answer(items, counted([item.result() for item in items]), decided, call)

    async def wait_on(self, items: Sequence[Item], call: Call, timeout_s: float) -> Reply:
        """The answer once more, for which verdicts that were missing are waited for."""
        await self.settle_rest(items, timeout_s)
        return answer(items, counted([item.result() for item in items]), outcome(items, 200), call)

    async def settle_rest(self, items: Sequence[Item], timeout_s: float) -> None:
        """Waits once more for verdicts that were missing."""
        for item in items:
            if item.handle is not None and item.refusal is not None and item.refusal.code == "delivery_unknown":
                item.refusal = None
        await self._settle(items, time.monotonic() + timeout_s, timeout_s)

    def check_topic(self, topic: str, call: Call) -> None:
        """Raises Refusal where the caller may not produce to `topic`."""
        if refusal := self._policy.of(call.key).refusal(topic):
            raise refusal

    async def partitions_of(self, topic: str) -> int | None:
        """How many partitions `topic` has, 0 if it does not exist; None where that cannot be found out now."""
        try:
            return await self._producer.partition_count(topic) or 0
        except KafkaUnavailable:
            return None

    def _carry_trace(self, call: Call, items: Sequence[Item]) -> None:
        if trace := trace_headers(call.headers):
            for item in items:
                if item.message is not None:
                    item.message = traced(item.message, trace)

    def _refused_whole(self, items: Sequence[Item], call: Call, *, queued: bool) -> Reply:
        faulty = sum(item.refusal is not None for item in items)
        whole = f"Nothing was sent: the batch is atomic, and {faulty} of its {len(items)} messages cannot be sent"
        refusal = Refusal("invalid_message", whole)
        results = [item.result() for item in items]
        members = {"receipts": results} if queued else counted(results)
        return answer(items, members, Outcome(422, refusal), call)

    async def deliver(self, items: Sequence[Item], call: Call, timeout_s: float) -> None:
        """Sends what may be sent and waits for the verdicts. Raises Refusal `overloaded`."""
        started = time.monotonic()
        self._admission.hold_messages(call, sum([item.refusal is None for item in items]))
        await self._accept(items)
        await self._settle(items, started + timeout_s, timeout_s)
        self._announce_sync(items, started)

    async def _accept(self, items: Sequence[Item]) -> None:
        sendable = [(item, item.message) for item in items if item.refusal is None and item.message is not None]
        for start in range(0, len(sendable), YIELD_EVERY):
            if start:
                await asyncio.sleep(0)
            some = sendable[start : start + YIELD_EVERY]
            accepted = self._producer.accept_each(message for _, message in some)
            for (item, _), taken in zip(some, accepted, strict=True):
                if isinstance(taken, ProduceError):
                    item.fail(taken)
                else:
                    item.handle = taken

    async def _settle(self, items: Sequence[Item], deadline: float, timeout_s: float) -> None:
        for item in items:
            handle = item.handle
            if handle is None:
                continue
            if not handle.done and not await _settled(handle, deadline):
                item.refuse(Refusal("delivery_unknown", unknown_text(timeout_s)))
            elif handle.error is not None:
                item.fail(handle.error)

    async def _queue(self, items: Sequence[Item], call: Call) -> Reply:
        await self._refuse_missing_topics(items)
        sendable = [item for item in items if item.sendable is not None]
        self._asynchronous.check_room(len(sendable))
        await self._wait_for_room(sendable)
        for index, item in enumerate(sendable):
            if (message := item.sendable) is None:
                continue
            try:
                item.receipt_id = self._asynchronous.enqueue(message)
            except ProduceError as error:
                item.fail(error)
            except Refusal as refusal:
                item.refuse(refusal)
            if index % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        self._announce_async(items)
        decided = outcome(items, 202)
        self._announce_refusal(decided)
        return answer(items, {"receipts": [item.result() for item in items]}, decided, call)

    async def _refuse_missing_topics(self, items: Sequence[Item]) -> None:
        """Topics that cannot be looked up now are taken as they are: their receipts will tell."""
        missing = set()
        for topic in {item.message.topic for item in items if item.message is not None and item.sendable}:
            known = await self._producer.known_topic(topic)
            if known is None:
                break
            if not known:
                missing.add(topic)
        for item in items:
            if item.sendable is not None and item.sendable.topic in missing:
                item.refuse(Refusal("unknown_topic", missing_text(item.sendable.topic)))

    async def _wait_for_room(self, items: Sequence[Item]) -> None:
        try:
            await self._producer.room(
                len(items), sum(queue_size(item.message) for item in items if item.message is not None)
            )
        except QueueFull:
            return  # each message is told for itself: there may be room for some

    def _announce_sync(self, items: Sequence[Item], started: float) -> None:
        topics = [item.handle.topic for item in items if item.handle is not None]
        if topics:
            took_ms = (time.monotonic() - started) * 1000
            self._services.monitor.emit(MessagesProducedSync(self._producer.id, len(topics), len(set(topics)), took_ms))

    def _announce_async(self, items: Sequence[Item]) -> None:
        topics = {item.message.topic for item in items if item.receipt_id is not None and item.message is not None}
        if topics:
            queued = sum(item.receipt_id is not None for item in items)
            self._services.monitor.emit(MessagesProducedAsync(self._producer.id, queued, len(topics)))

    def _announce_refusal(self, decided: Outcome) -> None:
        if decided.chosen is not None and decided.chosen.code in CAPACITY_CODES:
            self._admission.announce(decided.chosen)


async def _settled(handle: DeliveryHandle, deadline: float) -> bool:
    """Whether there is a verdict by `deadline`, be it that the message was taken back then."""
    remaining_s = deadline - time.monotonic()
    return (remaining_s > 0 and await handle.settled(remaining_s)) or handle.withdraw()


def counted(results: list[dict[str, object]]) -> dict[str, object]:
    """The members of a sync answer: results and how many were delivered, failed (or not sent), unknown."""
    statuses = [result["status"] for result in results]
    delivered, unknown = statuses.count("delivered"), statuses.count("unknown")
    failed = len(results) - delivered - unknown
    return {"delivered": delivered, "failed": failed, "unknown": unknown, "results": results}
