"""Which messages a request asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.dashboard.queries import invalid, read_parameters
from app.errors import Fault
from app.exploring.cursors import Cursor, read_cursor
from app.exploring.explorer import Wanted
from app.exploring.searching import PLACES, Matches, containing, everything
from app.exploring.walk import Towards
from app.kafka.log_reader import Isolation

PARAMETERS = ("from", "partition", "offset", "timestamp", "limit", "search", "in", "isolation", "before", "after")
TAIL_PARAMETERS = ("partition", "search", "in", "isolation")
FROM = ("newest", "oldest", "offset", "timestamp")
LIMIT, MOST = 50, 500
MOST_SEARCH = 200
MOST_PARTITIONS = 2000
"""So many can be looked into at once: a cursor has a place for each."""
LONGEST = 32 * 1024
"""Letters of a cursor."""
MOST_OFFSET, MOST_PARTITION = 2**63 - 1, 2**31 - 1
WHOLE = re.compile(r"[0-9]{1,19}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Ask:
    """What is wanted, and how many of it."""

    wanted: Wanted
    limit: int
    searches: bool


class Reading:
    """Reads parameters one by one and keeps every fault."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.faults: list[Fault] = []

    def has(self, name: str) -> bool:
        return name in self._given

    def fault(self, name: str, text: str) -> None:
        self.faults.append(Fault(f"query.{name}", text))

    def number(self, name: str, least: int, most: int) -> int | None:
        """None where it is not given, or not good."""
        if (text := self._given.get(name)) is None:
            return None
        if WHOLE(text) and least <= int(text) <= most:
            return int(text)
        self.fault(name, f"must be a whole number from {least} to {most}")
        return None

    def chosen(self, name: str, choices: tuple[str, ...], default: str) -> str:
        value = self._given.get(name, default)
        if value not in choices:
            self.fault(name, f"must be one of {', '.join(choices)}")
            return default
        return value

    def timestamp(self) -> int | None:
        """Milliseconds since 1970."""
        text = self._given.get("timestamp", "")
        if WHOLE(text):
            return int(text) if int(text) <= MOST_OFFSET else None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            self.fault("timestamp", "must be milliseconds since 1970, or a time as 2026-01-05T10:00:00Z")
            return None
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)

    def cursor(self, name: str, topic: str) -> Cursor | None:
        if name not in self._given:
            return None
        try:
            return read_cursor(self._given[name], topic)
        except ValueError as error:
            self.fault(name, str(error))
            return None

    def matches(self) -> Matches:
        text = self._given.get("search", "")
        places = tuple(filter(None, (place.strip() for place in self._given.get("in", ",".join(PLACES)).split(","))))
        if not places or not set(places) <= set(PLACES):
            self.fault("in", f"must be some of {', '.join(PLACES)}, with commas between")
        if len(text) > MOST_SEARCH:
            self.fault("search", f"must have at most {MOST_SEARCH} characters")
        return containing(text, places) if text else everything


def read_messages_query(raw: bytes, topic: str, partitions: int) -> Ask:
    """Of a page of messages. Raises Refusal `invalid_parameter` with every fault."""
    given = read_parameters(raw, PARAMETERS, longest=LONGEST)
    reading = Reading(given)
    limit = reading.number("limit", 1, MOST) or LIMIT
    partition = reading.number("partition", 0, MOST_PARTITION)
    before, after = reading.cursor("before", topic), reading.cursor("after", topic)
    reading.faults += _contradictions(given)
    if partition is None and partitions > MOST_PARTITIONS:
        reading.fault("partition", f"is needed: the topic has more than {MOST_PARTITIONS} partitions")
    begin = reading.chosen("from", FROM, "offset" if reading.has("offset") else "newest")
    towards: Towards = "older" if before or (after is None and begin == "newest") else "newer"
    cursor = before or after
    wanted = Wanted(
        topic,
        towards,
        cursor,
        reading.number("offset", 0, MOST_OFFSET) if begin == "offset" else None,
        reading.timestamp() if begin == "timestamp" else None,
        partition,
        _isolation(reading),
        cursor.order if cursor else ("newest" if towards == "older" else "oldest"),
        reading.matches(),
    )
    if reading.faults:
        raise invalid(reading.faults)
    return Ask(wanted, limit, bool(given.get("search")))


def read_tail_query(given: Mapping[str, str], topic: str) -> Ask:
    """Of a live tail. Raises Refusal `invalid_parameter`."""
    reading = Reading(given)
    partition = reading.number("partition", 0, MOST_PARTITION)
    wanted = Wanted(topic, partition=partition, isolation=_isolation(reading), matches=reading.matches())
    if reading.faults:
        raise invalid(reading.faults)
    return Ask(wanted, 0, bool(given.get("search")))


def read_isolation(raw: bytes) -> Isolation:
    """Of one message. Raises Refusal `invalid_parameter`."""
    reading = Reading(read_parameters(raw, ("isolation",)))
    isolation = _isolation(reading)
    if reading.faults:
        raise invalid(reading.faults)
    return isolation


def _isolation(reading: Reading) -> Isolation:
    chosen = reading.chosen("isolation", ("read_committed", "read_uncommitted"), "read_committed")
    return "read_uncommitted" if chosen == "read_uncommitted" else "read_committed"


def _contradictions(given: Mapping[str, str]) -> Iterator[Fault]:
    places = [name for name in ("before", "after") if name in given]
    starts = [name for name in ("from", "offset", "timestamp") if name in given]
    if len(places) == 2:
        yield Fault("query.after", "cannot be given together with before")
    if places:
        yield from (Fault(f"query.{name}", f"cannot be given together with {places[0]}") for name in starts)
        return
    begin = given.get("from", "offset" if "offset" in given else "newest")
    for name in ("offset", "timestamp"):
        if begin == name and name not in given:
            yield Fault(f"query.{name}", f"is needed with from={name}")
        elif name in given and begin != name:
            yield Fault(f"query.{name}", f"goes with from={name} only")
