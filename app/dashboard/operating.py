"""Everything that operators do through this instance, and what is remembered of it: put together once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.api.services import Services
from app.consuming.runtime import Runtime
from app.dashboard.actions import Action, audit_page
from app.dashboard.dead_letter_pages import DeadLetterPages
from app.dashboard.instance_actions import Stoppable, instance_actions
from app.dashboard.pages import Page
from app.dashboard.pause_actions import pause_actions
from app.dashboard.redrive_actions import redrive_actions, redrive_pages
from app.dashboard.seek_action import seek_action
from app.fleet.pauses import Pauses
from app.fleet.states import States
from app.fleet.topics import FleetTopics
from app.fleet.view import FleetView
from app.observing.audit import Audit
from app.redriving.memory import RedriveMemory
from app.redriving.redrives import Means, Redrives


@dataclass(frozen=True, slots=True)
class Keeping:
    """In which topics, and whether they may be made; `why_local`: why nothing that is stored outlives the process."""

    topics: FleetTopics
    create: bool
    why_local: str | None = None


class Operating:
    """Pauses, seeks, redrives, and the end of the process."""

    def __init__(self, means: Means, runtime: Runtime, keeping: Keeping) -> None:
        cluster, monitor, open_reader = means.cluster, means.monitor, means.open_reader
        self._cluster = cluster
        self._runtime = runtime
        self._keeping = keeping
        self.states = States(
            keeping.topics.states, cluster, means.producer, open_reader, monitor, create=keeping.create
        )
        self.pauses = Pauses(self.states, runtime)
        redrives, create, why_local = keeping.topics.redrives, keeping.create, keeping.why_local
        memory = RedriveMemory(redrives, cluster, open_reader, monitor, create=create, why_local=why_local)
        self.redrives = Redrives(means, memory)
        self.audit = Audit(monitor)

    @property
    def known(self) -> asyncio.Event:
        """Set once what operators have paused is known: groups must not consume before."""
        return self.states.settled

    def start(self) -> None:
        """Begins to read what is remembered; does not wait."""
        if self._keeping.why_local is not None:
            self.states.stay_local(self._keeping.why_local)
        else:
            self.states.start()

    async def stop(self) -> None:
        """Within 5 s."""
        await asyncio.gather(self.states.stop(), self.redrives.stop())

    def actions(self, fleet: FleetView, process: Stoppable) -> list[Action[Any]]:
        """What can be done; from now on also what other instances ask of this one."""
        return [
            *pause_actions(self.pauses, self._runtime),
            seek_action(self._runtime, self._runtime, fleet),
            *instance_actions(fleet, process),
            *redrive_actions(self.redrives, self._cluster),
        ]

    def pages(self, services: Services) -> Iterator[Page]:
        """What can be watched."""
        yield audit_page(self.audit)
        yield from redrive_pages(self.redrives)
        yield from DeadLetterPages(services, self.redrives).pages()
