"""A part of the table, for a process that is to run some of its lines only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from app.errors import Fault, RoutesInvalid
from app.routes.table import Group, RoutingTable, Subscription

Globs = Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which lines run: shell-style globs of the names of topics (or of a pattern's line) and of groups.

    Nothing included: all. What is excluded does not run, included or not.
    """

    include_topics: Globs = ()
    exclude_topics: Globs = ()
    include_groups: Globs = ()
    exclude_groups: Globs = ()

    def takes(self, line: Subscription) -> bool:
        """Whether `line` is to run."""
        return (
            _any(self.include_topics, line.name, otherwise=True)
            and _any(self.include_groups, line.group, otherwise=True)
            and not _any(self.exclude_topics, line.name, otherwise=False)
            and not _any(self.exclude_groups, line.group, otherwise=False)
        )


def narrowed(table: RoutingTable, selection: Selection) -> RoutingTable:
    """The table with only the selected lines active; the others still keep their DLQs from patterns.

    Raises RoutesInvalid for a glob that no line has, or where nothing is left: a typing error must not stop consuming.
    """
    lines = table.subscriptions
    faults = [
        *_unknown("--include-topics", selection.include_topics, (line.name for line in lines)),
        *_unknown("--exclude-topics", selection.exclude_topics, (line.name for line in lines)),
        *_unknown("--include-groups", selection.include_groups, (line.group for line in lines)),
        *_unknown("--exclude-groups", selection.exclude_groups, (line.group for line in lines)),
    ]
    if not faults and selection != Selection() and not any(line.active and selection.takes(line) for line in lines):
        faults = [Fault("the table", "no line is left to run; --no-consumers runs none on purpose")]
    if faults:
        raise RoutesInvalid(faults)
    return RoutingTable(tuple(_narrowed(group, selection) for group in table.groups))


def _narrowed(group: Group, selection: Selection) -> Group:
    lines = (replace(line, active=line.active and selection.takes(line)) for line in group.subscriptions)
    return replace(group, subscriptions=tuple(lines))


def _any(globs: Globs, name: str, *, otherwise: bool) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs) if globs else otherwise


def _unknown(option: str, globs: Globs, names: Iterable[str]) -> list[Fault]:
    known = sorted(set(names))
    return [
        Fault(option, f"{glob!r} is no line of the table; there are: {', '.join(known) or 'none'}")
        for glob in globs
        if not any(fnmatchcase(name, glob) for name in known)
    ]
