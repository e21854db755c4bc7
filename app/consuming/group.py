"""One consumer group in this process: finds its topics, keeps a member alive, rebuilds it when it dies."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from app.consumer import SeekTarget
from app.consuming.membership import Membership
from app.consuming.memory import Memory
from app.consuming.seeking import Sought
from app.consuming.static_members import StaticMember
from app.consuming.surroundings import Surroundings
from app.errors import DuplicateInstance, KafkaUnavailable, MembershipLost
from app.events import ClientRebuilt, ErrorOccurred, GroupState, GroupStateChanged, TopicsMissing
from app.messages import TopicPartition
from app.routes.table import Group, Subscription
from app.settings import Settings

LOOK_AGAIN_S = 1.0
REBUILD_PAUSE_S = (0.5, 30.0)
LOOK_TIMEOUT_S = 10.0
BEYOND_REPAIR_S = 300.0
"""Rebuilding in vain for five minutes while the brokers answer: then the process is not live."""


class GroupRunner:
    """Runs one group until it is told to stop."""

    def __init__(self, group: Group, surroundings: Surroundings) -> None:
        self.group = group
        self.state: GroupState = "joining"
        self.since = datetime.now(UTC)
        self.reason: str | None = "not started yet"
        self.joined_once = False
        self.missing: tuple[str, ...] = ()
        self.duplicate = False
        self._fought = False
        self._surroundings = surroundings
        self._listener_id = uuid.uuid4().hex[:12]
        self._stopping = asyncio.Event()
        self._membership: Membership | None = None
        self._memory = Memory(static=_static_member(group.name, surroundings.settings))
        self._seen: frozenset[str] = frozenset()
        self._pause_s = 0.0
        self._failing_since: float | None = None
        self._last_failure: str | None = None

    @property
    def beyond_repair(self) -> bool:
        """Whether rebuilding has failed for five minutes although the brokers answer."""
        failing = self._failing_since
        answering = bool(self._surroundings.cluster.reachable)
        return failing is not None and answering and time.monotonic() - failing > BEYOND_REPAIR_S

    @property
    def topics(self) -> Collection[str]:
        """What it consumes, of the topics that exist."""
        return self._resolved().keys()

    async def run(self) -> None:
        """The group's task: one membership after the other, with a pause after each that failed."""
        while not self._stopping.is_set():
            lines = await self._find_topics()
            if lines and not await self._place_taken():
                await self._be_member(lines)
                await self._rest(self._pause_s)
        self._become("stopped")

    def pause(self, partition: TopicPartition, by: str) -> None:
        """An operator pauses a partition, whether it is assigned now or later."""
        self._memory.paused[partition] = by
        self._operator_changed(partition)

    def resume(self, partition: TopicPartition) -> None:
        """Ends an operator's pause."""
        self._memory.paused.pop(partition, None)
        self._operator_changed(partition)

    def _operator_changed(self, partition: TopicPartition) -> None:
        if self._membership is not None:
            self._membership.operator_changed(partition)

    async def seek(self, at: TopicPartition, target: SeekTarget, *, preview: bool) -> Sought | None:
        """As of Membership."""
        membership = self._membership
        return None if membership is None else await membership.seek(at, target, preview=preview)

    def quiet(self) -> None:
        """Dispatches nothing more; jobs go on, and the member stays in the group."""
        self._stopping.set()
        if self._membership is not None:
            self._membership.quiet()

    async def rested(self) -> None:
        """Returns when no job runs any more; to be awaited when it is quiet."""
        if self._membership is not None:
            await self._membership.rested()

    async def stop(self, deadline: float, reserve_s: float) -> list[str]:
        """Lets jobs finish until `deadline` less `reserve_s`, cuts the rest, commits, leaves. Their names."""
        self.quiet()
        membership = self._membership
        return [] if membership is None else await membership.close(deadline, reserve_s, hook="shutdown")

    @property
    def cut_jobs(self) -> list[str]:
        """Names of the jobs that the stop has cut so far."""
        return [] if self._membership is None else self._membership.cut_jobs

    async def _find_topics(self) -> Mapping[str, Subscription]:
        """The topics of the table that exist. None yet: says so, and waits a moment."""
        lines = self._resolved()
        self._note_missing(lines)
        if lines:
            return lines
        cluster = self._surroundings.cluster
        if cluster.reachable:
            self._become("waiting_for_topics", f"no topic exists yet of: {', '.join(self._sources())}")
        else:
            self._become("joining", "Kafka has not answered yet")
        await self._rest(LOOK_AGAIN_S if cluster.reachable else 0.2)
        return {}

    async def _place_taken(self) -> bool:
        """After a fight for the instance id: whether another client holds it. Looks soon, then now and then."""
        static = self._memory.static
        if static is None or not self._fought:
            return False
        await self._rest(static.look_again_s if self.duplicate else static.step_back_s())
        try:
            members = await self._surroundings.cluster.member_ids(self.group.name, timeout_s=LOOK_TIMEOUT_S)
        except KafkaUnavailable:
            return True
        self._fought = self.duplicate = static.held_by_another(members)
        if self.duplicate:
            self._become("failed", f"another live client uses the instance id {static.instance_id}")
        return self.duplicate

    def _resolved(self) -> Mapping[str, Subscription]:
        existing = self._surroundings.cluster.topics()
        return self.group.resolve(existing, self._surroundings.excluded)

    def _sources(self) -> list[str]:
        return [line.source for line in self.group.subscriptions if line.active]

    def _note_missing(self, lines: Mapping[str, Subscription]) -> None:
        missing = tuple(topic for topic in self.group.plain_topics if topic not in lines)
        if missing != self.missing and self._surroundings.cluster.reachable:
            self.missing = missing
            self._surroundings.monitor.emit(TopicsMissing(self.group.name, missing))

    async def _be_member(self, lines: Mapping[str, Subscription]) -> None:
        self._become("joining")
        membership = Membership(self.group, lines, self._surroundings, self._listener_id, self._memory, self._member_is)
        self._membership = membership
        try:
            reason = await membership.live(self._stopping, self._changed)
            if reason is not None:
                self._failed(reason)
        except DuplicateInstance:
            self._fought = True
            self._become("joining", "another client seems to use the same instance id: stepping back")
        except (KafkaUnavailable, MembershipLost) as error:
            self._failed(str(error))
        finally:
            if not self._stopping.is_set():
                await membership.close(time.monotonic() + self._drain_s, 2.0, hook="revoked")
                self._membership = None

    @property
    def _drain_s(self) -> float:
        return self._surroundings.settings.consumer_drain_ms / 1000

    def _changed(self, lines: Mapping[str, Subscription]) -> Mapping[str, Subscription] | None:
        """The topics to consume, where they are others than those of `lines` in two looks running: what brokers say
        of topics spreads from one to the other."""
        now, before = self._resolved(), self._seen
        self._note_missing(now)
        self._seen = frozenset(now)
        return now if self._seen == before and before != frozenset(lines) else None

    def _member_is(self, state: GroupState) -> None:
        if state == "stable":
            self.joined_once = True
            self._pause_s = 0.0
            self._failing_since = self._last_failure = None
        self._become(state)

    def _failed(self, reason: str) -> None:
        self._pause_s = min(max(self._pause_s * 2, REBUILD_PAUSE_S[0]), REBUILD_PAUSE_S[1])
        if not self._surroundings.cluster.reachable:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = time.monotonic()
        monitor = self._surroundings.monitor
        if reason != self._last_failure:
            monitor.emit(ErrorOccurred("consumer.client", KafkaUnavailable(reason), group=self.group.name))
        self._last_failure = reason
        monitor.emit(ClientRebuilt(self.group.name, reason))
        self._become("failed" if self._pause_s > 4 else "joining", reason)

    def _become(self, state: GroupState, reason: str | None = None) -> None:
        if (state, reason) != (self.state, self.reason):
            if state != self.state:
                self.since = datetime.now(UTC)
            self.state, self.reason = state, reason
            self._surroundings.monitor.emit(GroupStateChanged(self.group.name, self._listener_id, state, reason))

    async def _rest(self, seconds: float) -> None:
        if seconds > 0 and not self._stopping.is_set():
            stopping = asyncio.ensure_future(self._stopping.wait())
            try:
                await asyncio.wait({stopping}, timeout=seconds)
            finally:
                stopping.cancel()


def _static_member(group: str, settings: Settings) -> StaticMember | None:
    name = settings.instance_id(group)
    return (
        None
        if name is None
        else StaticMember(name, settings.consumer_heartbeat_ms / 1000, settings.consumer_session_timeout_ms / 1000)
    )
