"""Turns a drawing into a table, or into a list of everything that is wrong with it."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from app.consumer import Consumer
from app.errors import Fault, RoutesInvalid
from app.routes.deserializers import deserializer_of
from app.routes.routes import OPTION_HINTS, OPTION_TYPES, Drawing, Drawn, Options
from app.routes.table import Backoff, DeadLetter, Group, Keyed, RoutingTable, Subscription
from app.serialization import DEFAULT_DESERIALIZERS

TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""What Kafka allows as a topic name; `.` and `..` are refused too."""
HOOKS = ("initialized", "consume", "eofed", "revoked", "shutdown")


def build_table(drawing: Drawing, *, transactions: bool = True) -> RoutingTable:
    """The table. Raises RoutesInvalid with every fault, each with its place (`group.topic.option`).

    `transactions`: whether the settings allow them.
    """
    faults = list(_faults(drawing))
    if not transactions:
        faults += _transaction_faults(drawing)
    if faults:
        raise RoutesInvalid(faults)
    groups: dict[str, list[Subscription]] = {}
    for line in drawing.lines:
        groups.setdefault(line.group, []).append(_subscription(line))
    return RoutingTable(tuple(Group(name, tuple(lines)) for name, lines in groups.items()))


def is_topic_name(name: Any) -> bool:
    """Whether Kafka takes `name` as a topic name."""
    return isinstance(name, str) and name not in (".", "..") and TOPIC_NAME.fullmatch(name) is not None


def _subscription(line: Drawn) -> Subscription:
    options = dict(line.options)
    chosen = {part: options.pop(part) for part in ("payload", "key", "headers")}
    deserializers = replace(
        DEFAULT_DESERIALIZERS, **{part: deserializer_of(given) for part, given in chosen.items() if given is not None}
    )
    named = line.kind == "topic"
    return Subscription(
        topic=line.source if named else None,
        pattern=None if named else re.compile(line.source),
        name=line.name or line.source,
        consumer=line.consumer,
        group=line.group,
        deserializers=deserializers,
        **options,
    )


def _faults(drawing: Drawing) -> Iterator[Fault]:
    for place, options in drawing.stray:
        yield from _option_faults(place, options)
    for line in drawing.lines:
        yield from _group_faults(line)
        yield from _source_faults(line)
        yield from _consumer_faults(line)
        yield from _option_faults(line.place, _own_options(drawing, line))
        yield from _agreement_faults(line)
    yield from _repeated(drawing)
    yield from _repeated_names(drawing)
    yield from _own_dead_letters(drawing)


def _own_options(drawing: Drawing, line: Drawn) -> Options:
    inherited = {name: value for _, options in drawing.stray for name, value in options.items()}
    return {
        name: value for name, value in line.options.items() if name not in inherited or inherited[name] is not value
    }


def _group_faults(line: Drawn) -> Iterator[Fault]:
    if not isinstance(line.group, str) or not line.group.strip():
        yield Fault(line.place, "a group needs a name, which becomes Kafka's group.id")


def _source_faults(line: Drawn) -> Iterator[Fault]:
    if line.kind == "topic":
        if not is_topic_name(line.source):
            yield Fault(line.place, "a topic name has 1 to 249 of A-Z a-z 0-9 . _ - and is not . or ..")
        return
    if not isinstance(line.source, str) or not line.source:
        yield Fault(line.place, "a pattern must be a regular expression as text")
        return
    try:
        re.compile(line.source)
    except re.error as error:
        yield Fault(line.place, f"the pattern {line.source!r} is not a regular expression: {error}")


def _consumer_faults(line: Drawn) -> Iterator[Fault]:
    consumer = line.consumer
    if not (isinstance(consumer, type) and issubclass(consumer, Consumer)):
        yield Fault(line.place, f"{consumer!r} is not a subclass of app.consumer.Consumer")
        return
    if consumer.consume is Consumer.consume:
        yield Fault(
            line.place,
            f"{consumer.__name__} has no consume(): write `async def consume(self)`, or `def` for blocking code",
        )
    for hook in HOOKS:
        written = getattr(consumer, hook)
        if (
            not inspect.isfunction(written)
            or inspect.isgeneratorfunction(written)
            or inspect.isasyncgenfunction(written)
        ):
            yield Fault(line.place, f"{consumer.__name__}.{hook} must be `async def` or `def`, without yield")


def _option_faults(place: str, options: Options) -> Iterator[Fault]:
    for name, value in options.items():
        valid = OPTION_TYPES.get(name)
        if valid is None:
            near = difflib.get_close_matches(name, OPTION_TYPES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(OPTION_TYPES))}"
            yield Fault(f"{place}.{name}", f"is not an option; {hint}")
        elif not valid(value):
            yield Fault(f"{place}.{name}", f"{OPTION_HINTS[name]}, not {value!r}")
        elif isinstance(value, DeadLetter):
            yield from _dead_letter_faults(f"{place}.{name}", value)
        elif isinstance(value, Backoff):
            yield from _backoff_faults(f"{place}.{name}", value)
        elif isinstance(value, Keyed):
            yield from _keyed_faults(f"{place}.{name}", value)


def _dead_letter_faults(place: str, value: DeadLetter) -> Iterator[Fault]:
    if value.topic is not None and not is_topic_name(value.topic):
        yield Fault(f"{place}.topic", f"{value.topic!r} is not a topic name (None skips the message)")
    if not isinstance(value.max_retries, int) or isinstance(value.max_retries, bool) or value.max_retries < 0:
        yield Fault(f"{place}.max_retries", "must be a whole number of at least 0")
    for name in ("isolate", "batch", "transactional"):
        if not isinstance(getattr(value, name), bool):
            yield Fault(f"{place}.{name}", "must be True or False")
    if value.strategy is not None and not callable(value.strategy):
        yield Fault(f"{place}.strategy", "must be a callable that takes errors, attempt and message, or None")


def _backoff_faults(place: str, value: Backoff) -> Iterator[Fault]:
    for name in ("pause_ms", "max_ms"):
        number = getattr(value, name)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            yield Fault(f"{place}.{name}", "must be a whole number of milliseconds, at least 1")
            return
    if value.pause_ms > value.max_ms:
        yield Fault(place, "pause_ms must not be above max_ms")


def _transaction_faults(drawing: Drawing) -> Iterator[Fault]:
    for line in drawing.lines:
        dead_letter = line.options.get("dead_letter")
        if isinstance(dead_letter, DeadLetter) and dead_letter.transactional is True:
            text = (
                "needs PRODUCER_TRANSACTIONAL_ID_PREFIX: the beginning of transactional ids, the same in all instances"
            )
            yield Fault(f"{line.place}.dead_letter.transactional", text)


def _keyed_faults(place: str, value: Keyed) -> Iterator[Fault]:
    if value.by != "key" and not callable(value.by):
        yield Fault(f"{place}.by", 'must be "key" or a callable that takes a message')
    if not isinstance(value.workers, int) or isinstance(value.workers, bool) or value.workers < 1:
        yield Fault(f"{place}.workers", "must be a whole number of at least 1")


def _agreement_faults(line: Drawn) -> Iterator[Fault]:
    least, most = line.options.get("min_messages"), line.options.get("max_messages")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        yield Fault(f"{line.place}.min_messages", f"must not be above max_messages ({most})")


def _repeated(drawing: Drawing) -> Iterator[Fault]:
    seen: set[tuple[str, str, str]] = set()
    for line in drawing.lines:
        identity = (str(line.group), line.kind, str(line.source))
        if identity in seen:
            yield Fault(line.place, f"the {line.kind} is drawn twice in group {line.group!r}: once is enough")
        seen.add(identity)


def _own_dead_letters(drawing: Drawing) -> Iterator[Fault]:
    """Dead letters must not come back to where they failed, over however many DLQs."""
    targets = {
        str(line.source): line.options["dead_letter"].topic
        for line in drawing.lines
        if line.kind == "topic" and isinstance(line.options.get("dead_letter"), DeadLetter)
    }
    for line in drawing.lines:
        if line.kind != "topic" or str(line.source) not in targets:
            continue
        way = [str(line.source)]
        while (target := targets.get(way[-1])) is not None and target not in way:
            way.append(target)
        if target == line.source:
            text = "a topic cannot be its own DLQ" if len(way) == 1 else f"comes back over {' -> '.join(way[1:])}"
            yield Fault(f"{line.place}.dead_letter", f"{text}: its messages would go round")


def _repeated_names(drawing: Drawing) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for line in drawing.lines:
        if line.name is None:
            continue
        if (str(line.group), line.name) in seen:
            yield Fault(line.place, f"the name {line.name!r} is taken in group {line.group!r}")
        seen.add((str(line.group), line.name))
