"""What a page is asked for: the parts of its path, its own filters, and which rows of its table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from app.api.keys import ApiKey
from app.api.problems import Refusal
from app.errors import Fault

TABLE_PARAMETERS = ("q", "sort", "page", "per_page")
PER_PAGE = 100
MAX_PER_PAGE = 1000
MAX_PAGE = 10**9
MAX_VALUE = 1000

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """The table of a page: its columns, how it is sorted by itself (`-lag`: most first), the member that holds it."""

    columns: tuple[str, ...]
    sort: str
    member: str = "table"


@dataclass(frozen=True, slots=True)
class TableQuery:
    """Which rows are wanted: all `words` occur in them; `sort` is a column, `-` before it for descending.

    `per_page` None: all of them.
    """

    words: tuple[str, ...] = ()
    sort: str = ""
    page: int = 1
    per_page: int | None = PER_PAGE

    def table(self, rows: Sequence[Row], total: int | None = None) -> dict[str, Any]:
        """The document of a table: the rows of the page, how many match, how many there are (`total`, where not all
        of them are given)."""
        matched = [row for row in rows if self._matches(row)] if self.words else list(rows)
        matched.sort(key=_key(self.sort.removeprefix("-")), reverse=self.sort.startswith("-"))
        shown = matched
        if self.per_page is not None:
            begin = (self.page - 1) * self.per_page
            shown = matched[begin : begin + self.per_page]
        return {
            "rows": shown,
            "matched": len(matched),
            "total": len(rows) if total is None else total,
            "page": self.page,
            "per_page": self.per_page,
            "sort": self.sort,
        }

    def _matches(self, row: Row) -> bool:
        text = row_text(row)
        return all(word in text for word in self.words)


@dataclass(frozen=True, slots=True)
class Query:
    """One look at a page. `path` has the parts of its address that vary, `filters` the page's own parameters that are
    given, `key` the caller's API key where the service has keys."""

    path: Mapping[str, str] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)
    rows: TableQuery = field(default_factory=TableQuery)
    key: ApiKey | None = None

    def table(self, rows: Sequence[Row], total: int | None = None) -> dict[str, Any]:
        """The wanted ones of `rows` as the document of a table; `total` as there."""
        return self.rows.table(rows, total)

    def chosen(self, name: str, choices: Collection[str], default: str) -> str:
        """The filter `name`, which must be one of `choices`. Raises Refusal."""
        value = self.filters.get(name, default)
        if value not in choices:
            raise invalid([Fault(f"query.{name}", f"must be one of {', '.join(choices)}")])
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """The filter `name` as a whole number. Raises Refusal."""
        if name not in self.filters:
            return default
        if (number := _number(self.filters[name], least, most)) is None:
            raise invalid([Fault(f"query.{name}", f"must be a whole number from {least} to {most}")])
        return number

    def flag(self, name: str) -> bool:
        """The filter `name`, true or false; false where it is not given. Raises Refusal."""
        return self.chosen(name, ("true", "false"), "false") == "true"


def read_parameters(text: bytes, known: Collection[str], *, longest: int = MAX_VALUE) -> dict[str, str]:
    """The parameters of a query string. Raises Refusal `invalid_parameter` with every fault, its paths `query.NAME`."""
    pairs = parse_qsl(text.decode("latin-1"), keep_blank_values=True, errors="replace")
    given: dict[str, str] = {}
    if faults := list(_read(pairs, given, known, longest)):
        raise invalid(faults)
    return given


def _read(
    pairs: Sequence[tuple[str, str]], given: dict[str, str], known: Collection[str], longest: int
) -> Iterator[Fault]:
    for name, value in pairs:
        path = f"query.{name}"
        if name not in known:
            yield Fault(path, f"is not a parameter of this page; known are {', '.join(known) or 'none'}")
        elif name in given:
            yield Fault(path, "is given more than once")
        elif len(value) > longest:
            yield Fault(path, f"must have at most {longest} characters")
        given[name] = value


def read_rows(given: Mapping[str, str], spec: TableSpec, *, paged: bool) -> TableQuery:
    """Which rows the parameters ask for. Raises Refusal `invalid_parameter`."""
    faults = []
    sort = given.get("sort") or spec.sort
    if sort.removeprefix("-") not in spec.columns:
        faults.append(Fault("query.sort", f"must be one of {', '.join(spec.columns)}, or one with - before it"))
    page = _number(given.get("page", "1"), 1, MAX_PAGE)
    if page is None:
        faults.append(Fault("query.page", "must be a whole number from 1"))
    per_page = _number(given.get("per_page", str(PER_PAGE)), 1, MAX_PER_PAGE)
    if per_page is None:
        faults.append(Fault("query.per_page", f"must be a whole number from 1 to {MAX_PER_PAGE}"))
    if faults:
        raise invalid(faults)
    words = tuple(orjson.dumps(word).decode("utf-8")[1:-1] for word in given.get("q", "").lower().split())
    return TableQuery(words, sort, page or 1, per_page if paged else None)


def row_text(row: Row) -> str:
    """What a search looks at: every value of a row, in lower case; those that are texts as JSON writes them."""
    known = [value for value in row.values() if value is not None]
    try:
        return orjson.dumps(known).decode("utf-8").lower()
    except TypeError:  # a lone surrogate, which UTF-8 cannot hold
        return repr(known).lower()


def invalid(faults: Sequence[Fault]) -> Refusal:
    """The refusal of parameters with these faults."""
    return Refusal("invalid_parameter", "; ".join(map(str, faults)), faults)


def _number(text: str, least: int, most: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return None
    return int(text) if least <= int(text) <= most else None


def _key(name: str) -> Any:
    """Numbers among themselves, texts among themselves; what is not known counts as the least."""

    def key(row: Row) -> tuple[int, Any]:
        value = row.get(name)
        if value is None:
            return 0, 0
        if isinstance(value, (int, float)):
            return 1, value
        return 2, value if isinstance(value, str) else row_text({name: value})

    return key
