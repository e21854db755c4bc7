"""Declared topics as data, and the object that `declare` is given to name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.errors import Fault, TopicsInvalid
from app.importing import import_function
from app.routes.validation import is_topic_name
from app.settings import Settings

MOST_REPLICAS = 2**15 - 1
INTERNAL_PREFIX = "__"
Declare = Callable[["Topics"], None]


@dataclass(frozen=True, slots=True)
class TopicDeclaration:
    """How a topic should be. `partitions` and `replication` None: as the brokers are configured. Of its configuration
    only what is named here is looked at."""

    topic: str
    partitions: int | None = None
    replication: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)


class Topics:
    """Takes declarations; `defaults` hold for those that follow."""

    def __init__(self) -> None:
        self._drawn: list[tuple[Any, dict[str, Any]]] = []
        self._defaults: dict[str, Any] = {}

    def defaults(
        self,
        *,
        partitions: int | None = None,
        replication: int | None = None,
        config: Mapping[str, object] | None = None,
    ) -> None:
        """What every later topic has that does not say otherwise; a topic's own `config` is added to this one."""
        self._defaults = {"partitions": partitions, "replication": replication, "config": config or {}}

    def topic(
        self,
        name: str,
        *,
        partitions: int | None = None,
        replication: int | None = None,
        config: Mapping[str, object] | None = None,
    ) -> None:
        """Declares a topic. `config`: names and values as Kafka has them, such as `{"retention.ms": 86_400_000}`."""
        given = {"partitions": partitions, "replication": replication}
        chosen = {option: self._defaults.get(option) if value is None else value for option, value in given.items()}
        self._drawn.append((name, {**chosen, "config": {**self._defaults.get("config", {}), **(config or {})}}))

    def declared(self) -> tuple[TopicDeclaration, ...]:
        """All of them, in order. Raises TopicsInvalid with every fault."""
        if faults := list(self._faults()):
            raise TopicsInvalid(faults)
        return tuple(
            TopicDeclaration(
                name, options["partitions"], options["replication"], {k: _text(v) for k, v in options["config"].items()}
            )
            for name, options in self._drawn
        )

    def _faults(self) -> Iterator[Fault]:
        seen: set[str] = set()
        for name, options in self._drawn:
            if not is_topic_name(name):
                yield Fault(str(name), "is no topic name: 1 to 249 of A-Z a-z 0-9 . _ - are allowed")
                continue
            if name.startswith(INTERNAL_PREFIX):
                yield Fault(name, "is Kafka's own")
            if name in seen:
                yield Fault(name, "is declared twice")
            seen.add(name)
            yield from _option_faults(name, options)


def _option_faults(name: str, options: Mapping[str, Any]) -> Iterator[Fault]:
    for option, most in (("partitions", 2**31 - 1), ("replication", MOST_REPLICAS)):
        value = options[option]
        if value is not None and not (isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most):
            yield Fault(f"{name}.{option}", f"must be an integer from 1, not {value!r}")
    for key, value in options["config"].items():
        if not isinstance(key, str) or not isinstance(value, str | int | float | bool):
            yield Fault(f"{name}.config.{key}", "must be a name with a text, a number or a truth value")


def _text(value: object) -> str:
    """As Kafka writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def load_declarations(settings: Settings) -> tuple[TopicDeclaration, ...]:
    """The topics that the function of the setting DECLARED_TOPICS declares. Raises TopicsInvalid with every fault."""
    return declare_topics(import_function(settings.declared_topics, "DECLARED_TOPICS", TopicsInvalid))


def declare_topics(declare: Declare) -> tuple[TopicDeclaration, ...]:
    """The topics that `declare` declares. Raises TopicsInvalid with every fault."""
    topics = Topics()
    try:
        declare(topics)
    except TypeError as error:  # a misspelled option, most of the time
        raise TopicsInvalid(str(error)) from error
    return topics.declared()
