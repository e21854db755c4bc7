"""What the routes for one message have in common: its verdict or its receipt as an answer."""

from __future__ import annotations

import base64

import orjson

from app.api.admission import Admission
from app.api.announcer import Announcer
from app.api.async_messages import AsyncMessages
from app.api.calls import Call
from app.api.problems import Refusal, refusal_of
from app.api.produce_options import ProduceOptions
from app.api.replies import Reply
from app.api.services import Services
from app.api.topic_policy import TopicPolicy
from app.api.trace_context import trace_headers, traced
from app.errors import ProduceError
from app.messages import OutgoingMessage
from app.producer import DeliveryHandle, Producer

RECORD_OVERHEAD_BYTES = 31
"""What the producer's queue counts for a message besides its payload, key and headers."""


class SingleMessages:
    """Takes single messages on, and answers each with its verdict or with a receipt."""

    def __init__(
        self, services: Services, admission: Admission, policy: TopicPolicy, asynchronous: AsyncMessages
    ) -> None:
        self._producer = services.producer
        self._asynchronous = asynchronous
        self._announcer = Announcer(services.producer.id, services.monitor, payloads=services.settings.log_payloads)
        self._admission = admission
        self._policy = policy
        self._receipts_path = f"{services.settings.http_root_path}/receipts/".encode("ascii")

    def sendable(self, message: OutgoingMessage, call: Call) -> OutgoingMessage:
        """The message as it is sent, with the trace of its request. Raises Refusal where its topic is not for
        clients."""
        if refusal := self._policy.of(call.key).refusal_of(message):
            raise refusal
        if b"traceparent" in call.headers:
            return traced(message, trace_headers(call.headers))
        return message

    def accept(self, message: OutgoingMessage, call: Call) -> DeliveryHandle:
        """Raises Refusal."""
        self._admission.hold_messages(call, 1)
        try:
            return self._producer.accept(message, queued=False)
        except ProduceError as error:
            raise refusal_of(error) from None

    async def verdict(self, handle: DeliveryHandle, timeout_s: float) -> Reply:
        """The answer once there is a verdict. Raises Refusal, of `delivery_unknown` if there is none in time."""
        if not await handle.settled(timeout_s) and not handle.withdraw():
            raise Refusal("delivery_unknown", unknown_text(timeout_s))
        self._announcer.verdict(handle)
        if handle.error is not None:
            raise refusal_of(handle.error)
        return delivered(handle)

    async def queue(self, message: OutgoingMessage) -> Reply:
        """The answer with the receipt. Raises Refusal."""
        producer, size = self._producer, queue_size(message)
        if not producer.knows(message.topic):
            await refuse_missing(message.topic, producer)
        try:
            if not producer.has_room(1, size):
                await producer.room(1, size)
            receipt_id = self._asynchronous.enqueue(message)
        except ProduceError as error:
            raise refusal_of(error) from None
        self._announcer.queued(message.topic, message.payload)
        return accepted(receipt_id.encode("ascii"), message, self._receipts_path)


class SingleAttempt:
    """One message under an idempotency key: it is taken on once, however often it is asked about."""

    conclusive = True

    def __init__(self, message: OutgoingMessage, options: ProduceOptions, single: SingleMessages) -> None:
        self._message = message
        self._options = options
        self._single = single
        self._handle: DeliveryHandle | None = None

    async def answer(self, call: Call) -> Reply:
        """Raises Refusal; after `delivery_unknown` it waits on for the verdict when called again."""
        if self._options.queued:
            return await self._single.queue(self._message)
        if self._handle is None:
            self._handle = self._single.accept(self._message, call)
        return await self._single.verdict(self._handle, self._options.timeout_s)

    @property
    def settled(self) -> bool:
        """Whether no later call can be answered in another way."""
        return self._handle is None or self._handle.done


def queue_size(message: OutgoingMessage) -> int:
    """Bytes that the producer's queue will count for a message, about."""
    return len(message.payload or b"") + len(message.key or b"") + RECORD_OVERHEAD_BYTES


async def refuse_missing(topic: str, producer: Producer) -> None:
    """Raises Refusal `unknown_topic` where `topic` is known to be missing."""
    if await producer.known_topic(topic) is False:
        raise Refusal("unknown_topic", missing_text(topic))


def missing_text(topic: str) -> str:
    """What is said of a topic that does not exist, and what to do about it."""
    return f"Topic {topic} does not exist; create it, for example with kafka-topics --create --topic {topic}"


def unknown_text(timeout_s: float) -> str:
    """What is said of a message without a verdict in time."""
    return f"No verdict came within {timeout_s:g} s: the message may be stored, sending it again may duplicate it"


def accepted(receipt_id: bytes, message: OutgoingMessage, receipts_path: bytes) -> Reply:
    """The 202 of a queued message, put together by hand as that of a stored one is."""
    label = b"null" if message.label is None else orjson.dumps(message.label)
    body = b'{"receipt_id":"%b","status":"pending","topic":"%b","label":%b}'
    location = (b"location", receipts_path + receipt_id)
    return Reply(202, body % (receipt_id, message.topic.encode("ascii"), label), headers=(location,))


def delivered(handle: DeliveryHandle) -> Reply:
    """The 200 of a stored message, put together by hand: a topic's name needs no escaping."""
    key = b"null" if handle.key is None else key_json(handle.key)
    label = b"null" if handle.label is None else orjson.dumps(handle.label)
    offset = b"null" if handle.offset is None else b"%d" % handle.offset
    body = (
        b'{"topic":"%b","partition":%d,"offset":%b,"timestamp":%d,"key":%b,"label":%b,"error":null,"latency_ms":%.3f}'
    )
    topic, partition = handle.topic.encode("ascii"), handle.partition or 0
    return Reply(200, body % (topic, partition, offset, handle.timestamp, key, label, handle.latency_ms))


def key_json(key: bytes) -> bytes:
    """A stored key as JSON: text where it is UTF-8, else an object with its base64."""
    try:
        return orjson.dumps(key.decode("utf-8"))
    except UnicodeDecodeError:
        return b'{"base64":"%b"}' % base64.b64encode(key)
