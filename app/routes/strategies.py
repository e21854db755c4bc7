"""What a strategy of a `DeadLetter` may answer: what becomes of a message that failed.

def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> Verdict:
    if isinstance(errors[-1], KeyError):
        return Dispatch("payments.malformed")
    return Retry() if attempt < 10 else Dispatch("payments.dlq")
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.messages import Message


@dataclass(frozen=True, slots=True)
class Retry:
    """Run it again after `pause_ms`; None: after the pause that the line's back-off gives."""

    pause_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """It goes to `topic`, with the headers of a dead letter, and everything else goes on."""

    topic: str


@dataclass(frozen=True, slots=True)
class Skip:
    """It is left out and counted, and everything else goes on."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is marked, and the service stops in order, with exit code 3."""


Verdict = Retry | Dispatch | Skip | Stop
Strategy = Callable[[Sequence[BaseException], int, Message], Verdict | type[Retry] | type[Skip] | type[Stop]]
"""(errors so far, the latest last, at most 100; attempt, 1-based; the failed message) to a verdict.

The message is the guilty one where that is known, else the first that is not marked: then a verdict that gives it up
makes the batch be searched for the guilty one, and the strategy is asked again about that one.
"""


def as_verdict(answer: object) -> Verdict:
    """`Retry`, `Skip` and `Stop` may be answered as classes. Raises TypeError where `answer` is no verdict."""
    if answer is Retry or answer is Skip or answer is Stop:
        answer = answer()
    if isinstance(answer, (Retry, Dispatch, Skip, Stop)):
        return answer
    raise TypeError(f"a strategy must answer Retry, Dispatch(topic), Skip or Stop, not {answer!r}")
