"""How far long work has come, on one line of the terminal; nothing where stderr is none."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import click

REDRAW_S = 0.2
BAR_WIDTH = 30


class Progress:
    """`with Progress("sent", total) as progress: progress.show(n)`; `total` None: it is not known."""

    def __init__(self, done: str, total: int | None = None) -> None:
        self.total = total
        self._done = done
        self._on = sys.stderr.isatty()
        self._drawn_at = 0.0
        self._drawn = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._drawn:
            click.echo("\r" + " " * len(self._drawn) + "\r", err=True, nl=False)

    def show(self, count: int, note: str = "") -> None:
        """So many are done; `note` stands behind it. Drawn five times a second at most."""
        now = time.monotonic()
        if not self._on or now - self._drawn_at < REDRAW_S:
            return
        self._drawn_at = now
        text = line_of(count, self.total, self._done, note)
        click.echo("\r" + text.ljust(len(self._drawn)), err=True, nl=False)
        self._drawn = text


def line_of(count: int, total: int | None, done: str, note: str = "") -> str:
    """`[#####-----] 50 of 100 sent, note`."""
    behind = f", {note}" if note else ""
    if not total:
        return f"{count:,} {done}{behind}"
    filled = min(BAR_WIDTH, BAR_WIDTH * count // total)
    return f"[{'#' * filled}{'-' * (BAR_WIDTH - filled)}] {count:,} of {total:,} {done}{behind}"
