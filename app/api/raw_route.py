"""`POST /produce/{topic}`: the body is the payload, as it is."""

from __future__ import annotations

from collections.abc import Iterator

from app.api.admission import Admission
from app.api.bodies import check_content_encoding, read_body
from app.api.calls import Call, RouteInfo
from app.api.problems import Refusal
from app.api.raw_query import RawQuery, read_raw_query
from app.api.replays import Attempt, Replays
from app.api.replies import Reply
from app.api.single import SingleAttempt, SingleMessages
from app.errors import Fault
from app.messages import OutgoingMessage
from app.routes.validation import is_topic_name
from app.settings import Settings

PREFIX = "/produce/"
HEADER_PREFIX = b"kafka-header-"
TOPIC_RULE = "must have 1 to 249 of A-Z a-z 0-9 . _ - and not be . or .."

RecordHeaders = list[tuple[str, bytes]]


class RawRoute:
    """Handles calls to `POST /produce/{topic}`."""

    info = RouteInfo("/produce/{topic}", writes=True, produces=True)

    def __init__(self, settings: Settings, admission: Admission, single: SingleMessages, replays: Replays) -> None:
        self._settings = settings
        self._admission = admission
        self._single = single
        self._replays = replays

    async def __call__(self, call: Call) -> Reply:
        check_content_encoding(call)
        query = read_raw_query(call.query, self._settings)
        headers = record_headers(call)
        body = await read_body(call, self._admission, self._settings.http_body_timeout_s)
        if b"idempotency-key" in call.headers:
            content = b"%r\n%b" % (headers, body)
            return await self._replays.answer(call, content, lambda: self._attempt(call, query, headers, body))
        message = self._message(call, query, headers, body)
        if query.options.queued:
            return await self._single.queue(message)
        return await self._single.verdict(self._single.accept(message, call), query.options.timeout_s)

    def _attempt(self, call: Call, query: RawQuery, headers: RecordHeaders, body: bytes) -> Attempt:
        return SingleAttempt(self._message(call, query, headers, body), query.options, self._single)

    def _message(self, call: Call, query: RawQuery, headers: RecordHeaders, body: bytes) -> OutgoingMessage:
        topic = call.path.removeprefix(PREFIX)
        if query.tombstone and body:
            fault = Fault("query.tombstone", "must not be given together with a body: a tombstone has no payload")
            raise Refusal("invalid_parameter", str(fault), [fault])
        if faults := list(message_faults(topic, query, headers)):
            raise Refusal("invalid_message", "; ".join(map(str, faults)), faults)
        message = OutgoingMessage(
            topic=topic,
            payload=None if query.tombstone else body,
            key=query.key,
            partition=query.partition,
            partition_key=query.partition_key,
            headers=headers,
            timestamp=query.timestamp,
            label=query.label,
        )
        return self._single.sendable(message, call)


def message_faults(topic: str, query: RawQuery, headers: RecordHeaders) -> Iterator[Fault]:
    """What keeps the parts of a call, each right by itself, from being a message."""
    if not is_topic_name(topic):
        yield Fault("topic", TOPIC_RULE)
    if query.tombstone and query.key is None:
        yield Fault("key", "is required: a tombstone deletes a key")
    if query.partition is not None and query.partition_key is not None:
        yield Fault("partition_key", "must not be given together with partition")
    for index, (name, _) in enumerate(headers):
        if not name:
            yield Fault(f"headers.{index}", "its name must not be empty: it is what follows Kafka-Header-")


def record_headers(call: Call) -> RecordHeaders:
    """The `Kafka-Header-NAME` headers of the request, in order, repeats kept, names in lower case."""
    start = len(HEADER_PREFIX)
    return [
        (name[start:].decode("ascii"), value) for name, value in call.scope["headers"] if name.startswith(HEADER_PREFIX)
    ]
