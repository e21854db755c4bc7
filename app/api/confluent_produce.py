"""`POST /topics/{topic}[/partitions/{partition}]`, as Confluent's REST Proxy v2 answers it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

from app.api.admission import Admission
from app.api.batch import Batches
from app.api.batch_items import Item
from app.api.bodies import check_content_encoding, read_body
from app.api.calls import Call, RouteInfo
from app.api.confluent_errors import V2_JSON, record_error
from app.api.confluent_records import is_binary, read_records
from app.api.message_reader import ReadMessage
from app.api.problems import Refusal, code_of
from app.api.produce_options import OptionsReader
from app.api.replays import Replays
from app.api.replies import Reply
from app.api.single import missing_text
from app.errors import Fault
from app.producing.contract import MAX_PARTITION
from app.routes.validation import is_topic_name
from app.settings import Settings

PATH = re.compile(r"/topics/([^/]+)(?:/partitions/([^/]+))?").fullmatch


class ConfluentRoute:
    """Handles calls to one of the two paths. Of the options of the other routes only `timeout` is one here."""

    def __init__(
        self, template: str, settings: Settings, admission: Admission, batches: Batches, replays: Replays
    ) -> None:
        self.info = RouteInfo(template, writes=True, produces=True)
        self._settings = settings
        self._options = OptionsReader(settings, ("timeout",))
        self._admission = admission
        self._batches = batches
        self._replays = replays

    async def __call__(self, call: Call) -> Reply:
        content_type = call.headers.get(b"content-type", b"")
        binary = is_binary(content_type)
        check_content_encoding(call)
        timeout_s = self._options.read(call.query).timeout_s
        body = await read_body(call, self._admission, self._settings.http_body_timeout_s)
        attempt = ConfluentAttempt(self, body, binary, timeout_s)
        if b"idempotency-key" in call.headers:
            return await self._replays.answer(call, b"%d\n%b" % (binary, body), lambda: attempt)
        return await attempt.answer(call)

    async def begin(self, body: bytes, binary: bool, call: Call, timeout_s: float) -> Sequence[Item]:
        """The records of a body, taken on, and settled or waited for. Raises Refusal."""
        topic, partition = target_of(call.path)
        self._batches.check_topic(topic, call)
        messages = read_records(body, topic, partition, binary=binary, max_records=self._settings.http_max_batch)
        await self._check_exists(topic, partition)
        items = self._batches.take([ReadMessage(message) for message in messages], call)
        await self._batches.deliver(items, call, timeout_s)
        return items

    async def _check_exists(self, topic: str, partition: int | None) -> None:
        """Raises Refusal where topic or partition are known to be missing."""
        partitions = await self._batches.partitions_of(topic)
        if partitions == 0:
            raise Refusal("unknown_topic", missing_text(topic))
        if partition is not None and partitions is not None and partition >= partitions:
            raise Refusal("unknown_partition", f"Topic {topic} has partitions 0 to {partitions - 1}, not {partition}")

    async def wait_on(self, items: Sequence[Item], timeout_s: float) -> None:
        """Waits for verdicts that were missing."""
        await self._batches.settle_rest(items, timeout_s)


class ConfluentAttempt:
    """One call; its records are taken on once, however often it is asked about."""

    def __init__(self, route: ConfluentRoute, body: bytes, binary: bool, timeout_s: float) -> None:
        self._route = route
        self._body = body
        self._binary = binary
        self._timeout_s = timeout_s
        self._items: Sequence[Item] = ()

    async def answer(self, call: Call) -> Reply:
        """Raises Refusal."""
        if self._items:
            await self._route.wait_on(self._items, self._timeout_s)
        else:
            self._items = await self._route.begin(self._body, self._binary, call, self._timeout_s)
        offsets = [offset_of(item) for item in self._items]
        document = {"key_schema_id": None, "value_schema_id": None, "offsets": offsets}
        return Reply(200, orjson.dumps(document), V2_JSON)

    @property
    def conclusive(self) -> bool:
        """Always 200, it says so of calls too that should be made again: those of which no record was stored and one
        may be later, or is not known."""
        refusals = [item.refusal for item in self._items if item.refusal is not None]
        stored = len(refusals) < len(self._items)
        return self.settled and (stored or not any(code_of(refusal.code).retriable for refusal in refusals))

    @property
    def settled(self) -> bool:
        return all(item.handle is None or item.handle.done for item in self._items)


def target_of(path: str) -> tuple[str, int | None]:
    """Topic and partition of a path. Raises Refusal where there can be none of that name."""
    match = PATH(path)
    topic, partition = match.groups() if match else ("", None)
    if not is_topic_name(topic):
        raise Refusal("unknown_topic", "There is no topic of this name")
    return topic, None if partition is None else partition_number(partition)


def partition_number(text: str) -> int:
    """Raises Refusal where `text` is no number that a partition can have."""
    if text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_PARTITION:
        return int(text)
    raise Refusal("unknown_partition", "There is no such partition", [Fault("partition", "must be a whole number")])


def offset_of(item: Item) -> dict[str, Any]:
    """What became of one record."""
    if item.refusal is not None:
        number = record_error(item.refusal)
        return {"partition": None, "offset": None, "error_code": number, "error": item.refusal.detail}
    handle = item.handle
    return {
        "partition": handle and handle.partition,
        "offset": handle and handle.offset,
        "error_code": None,
        "error": None,
    }
