"""A row of the table: a reference and ours in turn, several rounds, and the median of the ratios."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figures:
    """One round of one side: the figure that is compared, and what else is worth printing."""

    value: float
    unit: str
    notes: str = ""

    def __str__(self) -> str:
        return f"{self.value:,.0f} {self.unit}" if self.value >= 100 else f"{self.value:.2f} {self.unit}"


Measure = Callable[[], Awaitable[Figures]]


@dataclass(frozen=True, slots=True)
class Row:
    """`goal` is the ratio to reach: at least where more is better, at most where less is."""

    name: str
    text: str
    goal: float
    reference: Measure
    ours: Measure
    more_is_better: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of a row's rounds."""

    row: Row
    ratio: float
    reference: Figures
    ours: Figures

    @property
    def reached(self) -> bool:
        return self.ratio >= self.row.goal if self.row.more_is_better else self.ratio <= self.row.goal

    def line(self) -> str:
        """The row of the printed table."""
        bound = "at least" if self.row.more_is_better else "at most"
        verdict = "reached" if self.reached else "MISSED"
        figures = f"{self.reference} | {self.ours}{self.ours.notes}"
        return f"| {self.row.text} | {figures} | {self.ratio:.2f} | {bound} {self.row.goal:g} | {verdict} |"


async def run(row: Row, rounds: int) -> Result:
    """Both sides `rounds` times in changing order."""
    pairs = []
    for number in range(rounds):
        if number % 2:
            ours, reference = await row.ours(), await row.reference()
        else:
            reference, ours = await row.reference(), await row.ours()
        pairs.append((ours.value / reference.value, reference, ours))
    pairs.sort(key=lambda pair: pair[0])
    ratio = median(pair[0] for pair in pairs)
    _, reference, ours = pairs[len(pairs) // 2]
    return Result(row, ratio, reference, ours)
