"""The query of the produce routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from app.api.problems import Refusal
from app.errors import Fault
from app.settings import Settings

MIN_TIMEOUT_S = 0.1
QUERIES_REMEMBERED = 1000
SECONDS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII).fullmatch


class ProduceOptions(NamedTuple):
    """How a call wants to be answered. `timeout_s` is how long it waits for verdicts."""

    queued: bool
    timeout_s: float
    atomic: bool


class OptionsReader:
    """Reads the queries of a route that knows the options `names`. Callers use few different ones, so what they mean is
    remembered."""

    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        self._settings = settings
        self._names = names
        self._known = {b"": ProduceOptions(False, settings.http_timeout_s, False)}

    def read(self, query: bytes) -> ProduceOptions:
        """The options in a query string. Raises Refusal `invalid_parameter` with every fault."""
        options = self._known.get(query)
        if options is None:
            options = self._parse(query)
            if len(self._known) < QUERIES_REMEMBERED:
                self._known[query] = options
        return options

    def _parse(self, query: bytes) -> ProduceOptions:
        settings = self._settings
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors="replace")
        if faults := list(_faults(pairs, settings, self._names)):
            raise Refusal("invalid_parameter", "; ".join(map(str, faults)), faults)
        given = dict(pairs)
        return ProduceOptions(
            queued=given.get("mode") == "async",
            timeout_s=float(given.get("timeout", settings.http_timeout_s)),
            atomic=given.get("atomic") == "true",
        )


def _faults(pairs: list[tuple[str, str]], settings: Settings, known: Sequence[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for name, value in pairs:
        path = f"query.{name}"
        if name not in known:
            yield Fault(path, f"is not a parameter of this route; known are {', '.join(known)}")
        elif name in seen:
            yield Fault(path, "is given more than once")
        elif fault := option_fault(name, value, settings):
            yield Fault(path, fault)
        seen.add(name)


def option_fault(name: str, value: str, settings: Settings) -> str | None:
    """What is wrong with the value of the option `name`; None where nothing is."""
    if name == "mode" and value not in ("sync", "async"):
        return "must be sync or async"
    if name == "atomic" and value not in ("true", "false"):
        return "must be true or false"
    if name == "timeout" and not _is_timeout(value, settings.http_max_timeout_s):
        return f"must be seconds from {MIN_TIMEOUT_S:g} to {settings.http_max_timeout_s:g}"
    return None


def _is_timeout(value: str, most_s: float) -> bool:
    return SECONDS(value) is not None and MIN_TIMEOUT_S <= float(value) <= most_s
