"""What a group remembers over rebalances and clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from app.consuming.attempts import Attempts
from app.consuming.known_topics import KnownTopics
from app.consuming.static_members import StaticMember
from app.consuming.watchdog import Watchdog
from app.messages import TopicPartition


@dataclass(frozen=True, slots=True)
class Memory:
    """`attempts` and `paused` as of GroupServices; `outlived`: tasks of assignments that have passed, whose jobs run
    on; `static`: its place in the group, where it is a static member; `watchdog`: knows of clients that were replaced;
    `topics`: those it has met.
    """

    attempts: Attempts = field(default_factory=Attempts)
    paused: dict[TopicPartition, str] = field(default_factory=dict)
    outlived: dict[TopicPartition, asyncio.Task[None]] = field(default_factory=dict)
    static: StaticMember | None = None
    watchdog: Watchdog = field(default_factory=Watchdog)
    topics: KnownTopics = field(default_factory=KnownTopics)
