"""What happened to a consumer, as a test reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from app.events import DeadLetterDispatched, ErrorOccurred, RetryScheduled
from app.messages import Message, Messages
from app.testing.broker import Broker
from app.testing.recorder import HookRun, PauseAsked, SeekAsked

F = TypeVar("F")


class Story:
    """Everything noted in `facts`, in order."""

    def __init__(self, facts: Sequence[object], broker: Broker) -> None:
        self._facts = facts
        self._broker = broker

    def _of(self, kind: type[F]) -> list[F]:
        return [fact for fact in list(self._facts) if isinstance(fact, kind)]

    @property
    def hooks(self) -> list[str]:
        """The hooks that were called, in order; only those that the consumer's class has."""
        return [run.hook for run in self._of(HookRun)]

    @property
    def batches(self) -> list[list[int]]:
        """The offsets that each run of `consume` was given."""
        return [run.offsets for run in self._of(HookRun) if run.hook == "consume"]

    @property
    def attempts(self) -> list[int]:
        """`attempt` in each run of `consume`."""
        return [run.attempt for run in self._of(HookRun) if run.hook == "consume"]

    @property
    def errors(self) -> list[BaseException]:
        """What `consume` raised, and what kept dead letters from being stored."""
        return [fact.error for fact in self._of(ErrorOccurred)]

    @property
    def retries(self) -> list[int]:
        """The pause before each retry, in ms."""
        return [fact.pause_ms for fact in self._of(RetryScheduled)]

    @property
    def pauses(self) -> list[int | None]:
        """The ms of each `pause` that the consumer asked for; None is one until `resume`."""
        return [fact.ms for fact in self._of(PauseAsked)]

    @property
    def seeks(self) -> list[object]:
        """The target of each `seek` that did not raise."""
        return [fact.target for fact in self._of(SeekAsked)]

    @property
    def dead_letters(self) -> Messages:
        """The messages in DLQs, as they are stored there, headers that say why included."""
        stored = [self._dead_letter(fact) for fact in self._of(DeadLetterDispatched) if fact.dlq_topic is not None]
        return Messages([message.record for message in stored if message is not None])

    @property
    def skipped(self) -> list[int]:
        """The offsets of messages that were given up and stored nowhere."""
        return [fact.offset for fact in self._of(DeadLetterDispatched) if fact.dlq_topic is None]

    def _dead_letter(self, fact: DeadLetterDispatched) -> Message | None:
        source = {"source_topic": fact.topic, "source_partition": fact.partition, "source_offset": fact.offset}
        wanted = {name: str(value) for name, value in source.items()}
        for record in reversed(self._broker.produced):
            if record.topic == fact.dlq_topic:
                message = Message(record)
                if wanted.items() <= message.headers.items():
                    return message
        return None


class Consumed(Story):
    """What a call of `consume` or `settle` led to.

    `marked`: the offset before which everything is done and committed, of the partition in question; None where
    nothing is. `waited_ms`: how long the service would have waited for retries, pauses and fuller batches.
    """

    def __init__(self, facts: Sequence[object], broker: Broker, marked: int | None, waited_ms: int) -> None:
        super().__init__(facts, broker)
        self.marked = marked
        self.waited_ms = waited_ms

    def __repr__(self) -> str:
        return f"<Consumed batches={self.batches} marked={self.marked} errors={self.errors}>"
