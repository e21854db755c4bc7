"""Watches consumer objects: which hooks were called with what, how they ended, and where one is just now."""

from __future__ import annotations

import inspect
import sys
import sysconfig
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import FrameType
from typing import Any

from app.consumer import Consumer, ConsumerContext, SeekTarget
from app.consuming.instances import Instances

HOOKS = ("initialized", "consume", "eofed", "revoked", "shutdown")


@dataclass(eq=False, slots=True)
class HookRun:
    """One call of a hook. `offsets`: those of `messages`, for `consume`."""

    hook: str
    partition: int
    offsets: list[int]
    attempt: int
    running: bool = True
    coroutine: Coroutine[Any, Any, Any] | None = None
    thread_id: int | None = field(default=None)

    @property
    def where(self) -> str:
        """The line of code at which a running hook is."""
        frame = _frame_of(self.coroutine) if self.coroutine else _thread_frame(self.thread_id)
        return "" if frame is None else f" at {frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


@dataclass(frozen=True, slots=True)
class PauseAsked:
    """The consumer called `pause`."""

    offset: int | None
    ms: int | None


@dataclass(frozen=True, slots=True)
class SeekAsked:
    """The consumer called `seek`."""

    target: SeekTarget


class RecordingInstances(Instances):
    """Makes consumer objects as always, and notes what is done with them by `note`."""

    def __init__(self, note: Callable[[object], None]) -> None:
        super().__init__(persistent=True)
        self.made: list[Consumer] = []
        self.running: list[HookRun] = []
        self._note = note

    def make(self, kind: type[Consumer], context: ConsumerContext) -> Consumer:
        consumer = super().make(kind, context)
        self.made.append(consumer)
        for hook in HOOKS:
            if getattr(type(consumer), hook) is not getattr(Consumer, hook):
                setattr(consumer, hook, self._watched(consumer, hook))
        self._watch_steering(consumer)
        return consumer

    def _watched(self, consumer: Consumer, hook: str) -> Callable[[], Any]:
        written = getattr(consumer, hook)
        if inspect.iscoroutinefunction(written):

            @wraps(written)
            async def run() -> None:
                with self._running(consumer, hook) as entry:
                    entry.coroutine = written()
                    await entry.coroutine

            return run

        @wraps(written)
        def run_in_thread() -> None:
            with self._running(consumer, hook) as entry:
                entry.thread_id = threading.get_ident()
                written()

        return run_in_thread

    @contextmanager
    def _running(self, consumer: Consumer, hook: str) -> Iterator[HookRun]:
        offsets = [message.offset for message in consumer.messages] if hook == "consume" else []
        entry = HookRun(hook, consumer.partition, offsets, consumer.attempt)
        self._note(entry)
        self.running.append(entry)
        try:
            yield entry
        finally:
            entry.running = False
            self.running.remove(entry)

    def _watch_steering(self, consumer: Any) -> None:
        pause, seek = consumer.pause, consumer.seek

        @wraps(pause)
        def noted_pause(offset: int | None = None, ms: int | None = None) -> None:
            pause(offset, ms)
            self._note(PauseAsked(offset, ms))

        @wraps(seek)
        async def noted_seek(target: SeekTarget) -> bool:
            ours: bool = await seek(target)
            self._note(SeekAsked(target))
            return ours

        consumer.pause, consumer.seek = noted_pause, noted_seek


STANDARD_LIBRARY = sysconfig.get_path("stdlib")


def _frame_of(coroutine: Coroutine[Any, Any, Any]) -> FrameType | None:
    """Where a coroutine waits: the innermost frame that is not the standard library's."""
    frame = None
    awaited: Any = coroutine
    while (inner := getattr(awaited, "cr_frame", None)) is not None:
        frame = frame if _is_standard(inner) else inner
        awaited = awaited.cr_await
    return frame


def _thread_frame(thread_id: int | None) -> FrameType | None:
    frame = None if thread_id is None else sys._current_frames().get(thread_id)
    while frame is not None and _is_standard(frame):
        frame = frame.f_back
    return frame


def _is_standard(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return file.startswith(STANDARD_LIBRARY) and "site-packages" not in file
