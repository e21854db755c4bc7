"""Who holds the event loop: the consumer and the line of code, read from the stack of the loop's thread."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from types import FrameType

from app.consumer import Consumer
from app.events import Culprit

LOOP_MODULES = ("asyncio", "selectors", "uvloop")
YOURS = ("app.consumers", "app.routing", "app.topics")
"""What of `app` is the team's own code."""
LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def culprit_of(innermost: FrameType) -> Culprit | None:
    """Who runs in a thread whose innermost frame this is; None where its loop only waits.

    The place is the innermost line of the team's own code: what blocks is called there, mostly in a library.
    """
    frames = _in_the_loop(list(_outwards(innermost))[::-1])
    if not frames:
        return None
    for depth, frame in enumerate(frames):
        if (consumer := _consumer_in(frame)) is not None:
            return _of_consumer(consumer, frames[depth:])
    return Culprit(place=_place(next((frame for frame in frames[::-1] if not _library(frame)), frames[-1])))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _in_the_loop(frames: Sequence[FrameType]) -> Sequence[FrameType]:
    """What the loop has called: `frames`, outermost first, without those that run the loop."""
    running = [_package(frame) in LOOP_MODULES for frame in frames]
    if True not in running:
        return frames
    start = running.index(True)
    return frames[running.index(False, start) :] if False in running[start:] else ()


def _consumer_in(frame: FrameType) -> Consumer | None:
    """The consumer whose method this frame runs: it covers tasks that a consumer has started, too."""
    code = frame.f_code
    first = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    return first if isinstance(first, Consumer) else None


def _of_consumer(consumer: Consumer, frames: Sequence[FrameType]) -> Culprit:
    package = type(consumer).__module__.partition(".")[0]
    place = _place(next((frame for frame in frames[::-1] if _own(frame, package)), frames[0]))
    try:
        return Culprit(place, type(consumer).__name__, consumer.topic, consumer.partition)
    except AttributeError:  # it is being made: its partition is not known to it yet
        return Culprit(place, type(consumer).__name__)


def _own(frame: FrameType, package: str) -> bool:
    module = _module(frame)
    if module.partition(".")[0] == "app":
        return any(module == own or module.startswith(own + ".") for own in YOURS)
    return _package(frame) == package or not _library(frame)


def _library(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return path.startswith(("<frozen", *LIBRARIES))


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _package(frame: FrameType) -> str:
    return _module(frame).partition(".")[0]


def _place(frame: FrameType) -> str:
    """`app/consumers/payments.py:17`: the path from the module's outermost package on."""
    path = PurePath(frame.f_code.co_filename)
    depth = _module(frame).count(".") + 1 + (path.name == "__init__.py")
    return f"{PurePath(*path.parts[-depth:])}:{frame.f_lineno}"
