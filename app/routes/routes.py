"""`Routes`, what `draw(routes)` in `app/routing.py` is given.

Nothing is refused while drawing: what was written is kept as it is, with the place it was written at, and
`app.routes.validation` looks at the whole and reports every fault at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from app.routes.deserializers import is_model
from app.routes.table import Backoff, DeadLetter, InitialOffset, Keyed
from app.settings import Settings

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line as it was written: `options` are those given in the line, over its group's and the defaults."""

    kind: str
    source: Any
    consumer: Any
    group: Any
    name: str | None
    options: Options
    place: str


@dataclass(slots=True)
class Drawing:
    """Everything that a table's function drew."""

    default_group: str
    defaults: Options
    lines: list[Drawn] = field(default_factory=list)
    stray: list[tuple[str, Options]] = field(default_factory=list)


class GroupRoutes:
    """The lines of one group: `with routes.group("reports") as group: group.topic(...)`."""

    def __init__(self, drawing: Drawing, group: Any, options: Options) -> None:
        self._drawing = drawing
        self._group = group
        self._options = options

    def topic(self, name: str, consumer: type[Any], **options: Any) -> None:
        """Routes the topic `name` to `consumer`. Options as in `Routes.topic`."""
        self._draw("topic", name, consumer, None, options)

    def pattern(self, regex: str, consumer: type[Any], *, name: str | None = None, **options: Any) -> None:
        """Routes every topic whose whole name matches `regex`, also later ones. Options as in `Routes.topic`."""
        self._draw("pattern", regex, consumer, name, options)

    def _draw(self, kind: str, source: Any, consumer: Any, name: str | None, options: Options) -> None:
        merged = {**self._drawing.defaults, **self._options, **options}
        place = f"{self._group}.{name or source}"
        self._drawing.lines.append(Drawn(kind, source, consumer, self._group, name, merged, place))


class Routes:
    """The language of the routing table.

    Options of a line, each with its default from the settings:
    `max_messages` most messages in a batch; `min_messages`, `max_wait_ms` wait for fuller batches;
    `initial_offset` "earliest" or "latest", where a new group starts; `manual_offsets` only what you mark is
    committed; `dead_letter` a `DeadLetter`; `backoff` a `Backoff`; `keyed` a `Keyed`, lanes that keep order by key;
    `payload`, `key`, `headers` deserialisers:
    callables from bytes, pydantic models or msgspec structs; `active` False leaves the line out.
    """

    def __init__(self, settings: Settings) -> None:
        self._drawing = Drawing(settings.consumer_group_id, default_options(settings))
        self._lines = GroupRoutes(self._drawing, settings.consumer_group_id, {})

    def topic(self, name: str, consumer: type[Any], **options: Any) -> None:
        """Routes the topic `name` to `consumer`, in the default group."""
        self._lines.topic(name, consumer, **options)

    def pattern(self, regex: str, consumer: type[Any], *, name: str | None = None, **options: Any) -> None:
        """Routes every topic whose whole name matches `regex`, in the default group."""
        self._lines.pattern(regex, consumer, name=name, **options)

    @contextmanager
    def group(self, name: str, **defaults: Any) -> Iterator[GroupRoutes]:
        """A consumer group of its own: `name` is Kafka's `group.id`; `defaults` hold for its lines."""
        self._drawing.stray.append((str(name), defaults))
        yield GroupRoutes(self._drawing, name, defaults)

    def defaults(self, **options: Any) -> None:
        """Options for every line drawn after this call."""
        self._drawing.stray.append(("defaults", options))
        self._drawing.defaults.update(options)

    @property
    def drawing(self) -> Drawing:
        """What has been drawn so far."""
        return self._drawing


def default_options(settings: Settings) -> Options:
    """A line's options where the table says nothing."""
    initial_offset: InitialOffset = settings.consumer_initial_offset
    return {
        "max_messages": settings.consumer_max_messages,
        "min_messages": 1,
        "max_wait_ms": settings.consumer_max_wait_ms,
        "initial_offset": initial_offset,
        "manual_offsets": False,
        "dead_letter": None,
        "backoff": Backoff(
            settings.consumer_pause_ms, settings.consumer_pause_max_ms, settings.consumer_pause_exponential
        ),
        "keyed": None,
        "payload": None,
        "key": None,
        "headers": None,
        "active": True,
    }


Draw = Callable[[Routes], None]
OPTION_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "max_messages": lambda value: _is_int(value) and value >= 1,
    "min_messages": lambda value: _is_int(value) and value >= 1,
    "max_wait_ms": lambda value: _is_int(value) and value >= 1,
    "initial_offset": lambda value: value in ("earliest", "latest"),
    "manual_offsets": lambda value: isinstance(value, bool),
    "dead_letter": lambda value: value is None or isinstance(value, DeadLetter),
    "backoff": lambda value: isinstance(value, Backoff),
    "keyed": lambda value: value is None or isinstance(value, Keyed),
    "payload": lambda value: value is None or is_model(value) or _takes_one(value),
    "key": lambda value: value is None or is_model(value) or _takes_one(value),
    "headers": lambda value: value is None or is_model(value) or _takes_one(value),
    "active": lambda value: isinstance(value, bool),
}
OPTION_HINTS: Mapping[str, str] = {
    "max_messages": "must be a whole number of at least 1",
    "min_messages": "must be a whole number of at least 1",
    "max_wait_ms": "must be a whole number of milliseconds, at least 1",
    "initial_offset": 'must be "earliest" or "latest"',
    "manual_offsets": "must be True or False",
    "dead_letter": "must be a DeadLetter(topic, max_retries=…) or None",
    "backoff": "must be a Backoff(pause_ms, max_ms, exponential)",
    "keyed": 'must be a Keyed(by="key", workers=…) or None',
    "payload": "must be a callable that takes bytes, a pydantic model or a msgspec struct",
    "key": "must be a callable that takes bytes, a pydantic model or a msgspec struct",
    "headers": "must be a callable that takes bytes, a pydantic model or a msgspec struct",
    "active": "must be True or False",
}


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _takes_one(value: Any) -> bool:
    if not callable(value):
        return False
    try:
        inspect.signature(value).bind(b"")
    except TypeError:
        return False
    except ValueError:  # no signature to look at, as with some built-ins
        return True
    return True
