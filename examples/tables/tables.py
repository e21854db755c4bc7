"""The tables: where they lie, what a row is, and by what its message is keyed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file of vega_datasets, the topic for its rows, and the key of a row."""

    topic: str
    file: str
    key_of: Callable[[Row], str]

    def rows(self) -> Iterator[Row]:
        """Every row, as the file has it."""
        with (files("vega_datasets") / "_data" / self.file).open("r", encoding="utf-8") as lines:
            yield from csv.DictReader(lines)

    def counts(self) -> Counter[str]:
        """How many rows there are of each key, straight from the file."""
        return Counter(self.key_of(row) for row in self.rows())


def _state(row: Row) -> str:
    return row["state"]


def _month(row: Row) -> str:
    return row["date"][:7]


TABLES = (
    Table("airports", "airports.csv", _state),
    Table("seattle_temps", "seattle-temps.csv", _month),
    Table("sf_temps", "sf-temps.csv", _month),
)
