"""`ConsumerTest`: one line of a routing table, run by the service's own engine on a Kafka in memory."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from pydantic_settings import BaseSettings
from pydantic_settings import PydanticBaseSettingsSource as Source

from app.consumer import Consumer
from app.messages import Messages, TopicPartition
from app.routes.loading import draw_table, load_table
from app.routes.routes import Draw
from app.routes.table import Group, Subscription
from app.settings import Settings
from app.testing.broker import Broker
from app.testing.engine import Engine
from app.testing.failures import ConsumerTestFailed, JobCut
from app.testing.records import Given, as_given, encoded
from app.testing.settling import Settling
from app.testing.story import Consumed, Story

TIMEOUT_S = 5.0
DRAIN_MS = 1000


class ConsumerTest(Story):
    """Use it as an async context manager: it joins the group at its start, and stops in order at its end.

        async with ConsumerTest(PaymentsConsumer, dead_letter=DeadLetter("payments.dlq")) as payments:
            result = await payments.consume({"id": 1}, {"id": 2})
            assert result.marked == 2

    `options` are those of a line of the table. What the service would deal with (retries, dead letters) is told; what
    it would only log, never end, or stop for is raised (`app.testing.failures`). Nothing waits: the time of retries
    and pauses passes at once. `timeout_s` is how long the consumer's own code may take before NotSettled is raised.
    `settings` are changes of the service's defaults, by their names in small letters; the environment counts for
    nothing here.
    """

    def __init__(
        self,
        consumer: type[Consumer],
        topic: str = "messages",
        *,
        partitions: int = 1,
        timeout_s: float = TIMEOUT_S,
        settings: Mapping[str, object] | None = None,
        **options: Any,
    ) -> None:
        chosen = settings_of(settings)
        found = draw_table(lambda routes: routes.topic(topic, consumer, **options), chosen)
        self._set_up(found.groups[0].subscriptions[0], topic, partitions, timeout_s, chosen)

    @classmethod
    def from_table(
        cls,
        topic: str,
        draw: Draw | str = "app.routing:draw",
        *,
        group: str | None = None,
        partitions: int = 1,
        timeout_s: float = TIMEOUT_S,
        settings: Mapping[str, object] | None = None,
    ) -> Self:
        """A test of the line that takes `topic` in a table: its function, or the import path of that. `group` is
        needed where several groups take the topic. Raises LookupError where there is not one such line, RoutesInvalid.
        """
        chosen = settings_of(settings)
        test = cls.__new__(cls)
        test._set_up(_line_of(topic, draw, group, chosen), topic, partitions, timeout_s, chosen)
        return test

    def _set_up(self, line: Subscription, topic: str, partitions: int, timeout_s: float, settings: Settings) -> None:
        self.topic = topic
        self._partitions = partitions
        self.broker = Broker({topic: partitions})
        """The Kafka in memory: `broker.missing` and `broker.reachable_now` make produced messages fail."""
        facts: list[object] = []
        super().__init__(facts, self.broker)
        self._settling = Settling(timeout_s)
        self._engine = Engine(line, topic, self.broker, self._settling, facts.append, settings)
        self._settling.watch(self._engine)
        self._told = self._seen = 0
        self._begun = self._ended = False

    async def __aenter__(self) -> Self:
        self._begun = True
        await self._engine.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            await self._engine.close(0.0, "shutdown")
        elif not self._ended:
            await self.shutdown()

    async def consume(
        self,
        *given: Any,
        key: bytes | str | None = None,
        headers: Any = None,
        partition: int | None = None,
        for_ms: int | None = None,
    ) -> Consumed:
        """Stores records (payloads, or what `record` makes) and returns when the consumer has come to rest: everything
        is done or given up, or it is paused until `resume`.

        `key`, `headers` and `partition` are for those that have none of their own. With `for_ms` only so much of the
        clock's time passes: a retry that is due later is not made yet. Raises ConsumerTestFailed, ValueError.
        """
        self._must_be_open()
        fields = {"key": key, "headers": headers, "partition": partition}
        stored = [as_given(item, fields) for item in given]
        for item in stored:
            self._give(item)
        return await self.settle(for_ms=for_ms, partition=stored[0].partition if stored else partition)

    def _give(self, given: Given) -> None:
        partition = given.partition or 0
        if not 0 <= partition < self._partitions:
            text = f"{self.topic} has no partition {partition}: it has {self._partitions}, partitions=… gives it more"
            raise ValueError(text)
        raw = encoded(given)
        self.broker.give(
            TopicPartition(self.topic, partition),
            raw.value,
            key=raw.key,
            headers=raw.headers,
            timestamp=raw.timestamp_ms,
            offset=given.offset,
        )

    async def settle(self, *, for_ms: int | None = None, partition: int | None = None) -> Consumed:
        """Returns when the consumer has come to rest, with what happened since this was last awaited. What is marked
        is committed then, as the service does every few seconds. Raises ConsumerTestFailed."""
        self._must_be_open()
        before_s = self._settling.clock.now()
        try:
            await self._settling.settle(lambda: self._facts[self._told :], for_ms)
            await self._engine.commit()
        except ConsumerTestFailed:
            self._raise_unseen()
            raise
        finally:
            first, self._told = self._told, len(self._facts)
        self._raise_unseen()
        waited_ms = round((self._settling.clock.now() - before_s) * 1000)
        return Consumed(self._facts[first : self._told], self.broker, self.committed(partition or 0), waited_ms)

    def committed(self, partition: int = 0) -> int | None:
        """The offset that is committed for a partition, that of the next message; None where nothing is."""
        return self.broker.offsets.get(self._engine.group, {}).get(TopicPartition(self.topic, partition))

    def produced(self, topic: str | None = None) -> Messages:
        """What was stored by producers, dead letters included: in `topic`, or everywhere."""
        return Messages([record for record in self.broker.produced if topic in (None, record.topic)])

    @property
    def consumer(self) -> Any:
        """The consumer object made last. Raises LookupError where none was made yet."""
        return self.consumers[-1]

    @property
    def consumers(self) -> list[Consumer]:
        """The consumer objects in the order in which they were made: one for each assigned partition that has had a
        batch, or for each lane of it."""
        return self._engine.instances.made

    @property
    def paused(self) -> bool:
        """Whether a partition stands still at the consumer's wish."""
        return "paused" in self._engine.states()

    async def revoke(self) -> None:
        """A rebalance takes the partitions away: running jobs get CONSUMER_DRAIN_MS (1000 here), then `revoked`."""
        self._must_be_open()
        await self._engine.member.revoke()
        self._raise_unseen()

    async def assign(self) -> Consumed:
        """The partitions come back; what is not committed is delivered again."""
        self._must_be_open()
        await self._engine.assign_all()
        return await self.settle()

    async def shutdown(self) -> None:
        """The service stops: running jobs may finish, then `shutdown`. Raises JobCut where one does not."""
        self._ended = True
        cut = await self._engine.close(self._settling.timeout_s, "shutdown")
        self._raise_unseen()
        if cut:
            raise JobCut(f"cut at the end of the test: {', '.join(cut)}")

    def _must_be_open(self) -> None:
        if not self._begun:
            raise RuntimeError("it has not begun: write `async with ConsumerTest(…) as test:`")
        if self._ended:
            raise RuntimeError("it has ended")

    def _raise_unseen(self) -> None:
        unseen, self._seen = self._facts[self._seen :], len(self._facts)
        self._settling.raise_what_nobody_sees(unseen)


class DefaultSettings(Settings):
    """The service's defaults, whatever the environment says."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: Source, *_: Source, **__: Source
    ) -> tuple[Source, ...]:
        return (init_settings,)


def settings_of(changes: Mapping[str, object] | None) -> Settings:
    """The service's defaults, a shorter drain, and `changes`. Raises ValueError."""
    given = {"consumer_drain_ms": DRAIN_MS, **(changes or {})}
    if unknown := set(given) - set(Settings.model_fields):
        raise ValueError(f"there are no settings {', '.join(sorted(unknown))}")
    return DefaultSettings.model_validate(given)


def _line_of(topic: str, draw: Draw | str, group: str | None, settings: Settings) -> Subscription:
    table = (
        load_table(settings.model_copy(update={"routes": draw}))
        if isinstance(draw, str)
        else draw_table(draw, settings)
    )
    excluded = table.dead_letter_topics()

    def line(candidate: Group) -> Subscription | None:
        return candidate.resolve([topic], excluded).get(topic)

    groups = [candidate for candidate in table.groups if group in (None, candidate.name) and line(candidate)]
    found = [line(candidate) for candidate in groups]
    if len(found) != 1 or found[0] is None:
        names = ", ".join(candidate.name for candidate in groups)
        raise LookupError(
            f"the groups {names} take {topic}: say which, group=…" if found else f"no line of the table takes {topic}"
        )
    return found[0]
