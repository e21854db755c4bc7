"""What commands print: tables for people, JSON for programs. Results go to stdout, remarks to stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import click
import orjson

F = TypeVar("F", bound=Callable[..., Any])
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
"""The option that every command has which shows something; the command gets `as_json`."""
Row = Mapping[str, Any]


def show_rows(columns: Sequence[str], rows: Iterable[Row], *, as_json: bool, empty: str) -> None:
    """Prints rows as JSON, a list of objects, or as a table of `columns`. `empty` is said where there are none."""
    listed = list(rows)
    if as_json:
        show_json(listed)
    elif not listed:
        click.echo(empty)
    else:
        for line in table(columns, listed):
            click.echo(line)


def show_json(document: Any) -> None:
    """Prints one JSON document, indented."""
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode())


def remark(text: str) -> None:
    """Says something that is not part of the result."""
    click.echo(text, err=True)


def table(columns: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """The lines of a table: headings, then a line for each row; columns of numbers end at the same place."""
    cells = [[_cell(row.get(column)) for column in columns] for row in rows]
    headings = [column.replace("_", " ").upper() for column in columns]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    right = [all(_is_number(row.get(column)) for row in rows) for column in columns]
    return [_line(line, widths, right) for line in (headings, *cells)]


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if at_right else cell.ljust(width)
        for cell, width, at_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value)) or "-"
    return str(value)
