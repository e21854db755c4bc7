"""Watches one group through a scenario: what was produced, given and committed, and what the test did to whom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.consumer import Consumer
from app.messages import DeliveryReport
from tests.history import History, Kind, Report, Trouble
from tests.history_commits import commits_of
from tests.history_journal import Work, ids_given, lines_of, no_work, recorded, tell
from tests.scenarios.verdicts import Load
from tests.waiting import until

BROKER_ECHO_S = 8.0
"""How long after the brokers are back a commit may still fail: a client's request timeout and a little more."""


class Observed:
    """The history of `group`, and its check. What is produced has its payload for an id."""

    def __init__(self, group: str) -> None:
        self.group = group
        self.history = History()
        self._since = time.time()
        self._journals: dict[str, Callable[[], Iterable[str]]] = {}

    def consumer(self, instance: str, work: Work = no_work) -> type[Consumer]:
        """A consumer class for an instance in this process, which does `work` with each batch."""
        lines: list[str] = []
        self._journals[instance] = lambda: list(lines)
        return recorded(lines.append, work)

    def journal(self, instance: str, path: Path) -> Path:
        """The journal of an instance in another process."""
        self._journals[instance] = lambda: lines_of(path)
        return path

    def produced(self, reports: Iterable[DeliveryReport], payloads: Iterable[object]) -> None:
        """These messages were acknowledged."""
        for report, payload in zip(reports, payloads, strict=True):
            assert report.partition is not None
            assert report.offset is not None
            self.history.acknowledged(report.topic, report.partition, report.offset, str(payload))

    def loaded(self, load: Load) -> None:
        """These are the verdicts on a load."""
        for verdict in load.verdicts:
            payload = verdict.payload.decode()
            if verdict.report is not None and verdict.status == "delivered":
                self.produced([verdict.report], [payload])
            elif verdict.status == "unknown":
                self.history.unknown(payload)

    @contextmanager
    def trouble(self, kind: Kind, instance: str | None = None) -> Iterator[None]:
        """The trouble lasts as long as the block; that of brokers tells a little longer."""
        begin = time.time()
        try:
            yield
        finally:
            echo_s = BROKER_ECHO_S if kind == "broker" else 0.0
            self.history.troubled(Trouble(kind, begin, time.time() + echo_s, instance))

    def given(self, instance: str | None = None) -> set[str]:
        """Ids of what has been given so far, to all or to one."""
        journals = self._journals.values() if instance is None else [self._journals[instance]]
        return set().union(*(ids_given(journal()) for journal in journals))

    async def until_given(self, payloads: Iterable[object], timeout_s: float = 30) -> None:
        """Waits until all of these have been given to somebody."""
        wanted = {str(payload) for payload in payloads}
        await until(lambda: wanted <= self.given(), f"{len(wanted)} messages given", timeout_s)

    async def check(self, servers: str) -> Report:
        """What the history comes to. To be asked once, at the end. Fails where nothing was ever committed."""
        for instance, journal in self._journals.items():
            tell(self.history, instance, journal())
        commits = await commits_of(servers, self.group, self._since - 1)
        assert commits, f"{self.group} has committed nothing"
        for commit in commits:
            self.history.committed(commit)
        return self.history.check()
