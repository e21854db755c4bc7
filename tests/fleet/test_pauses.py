"""Pauses of operators are told to the consuming side, whoever they come from."""

from __future__ import annotations

from app.fleet.desk import Memory
from app.fleet.pauses import Pauses
from app.fleet.view import Row
from app.messages import TopicPartition

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)


class Kept(Memory):
    """Remembers for its own life."""

    why_local: str | None = None

    async def remember(self, key: str, value: Row | None) -> None:
        self.keep(key, value)


class Steered:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def pause(self, group: str, partition: TopicPartition, by: str) -> bool:
        self.told.append(("pause", group, str(partition), by))
        return True

    def resume(self, group: str, partition: TopicPartition) -> bool:
        self.told.append(("resume", group, str(partition)))
        return True


async def test_a_pause_is_kept_with_who_and_why_and_told() -> None:
    kept, steered = Kept(), Steered()
    pauses = Pauses(kept, steered)
    await pauses.pause("g", [FIRST, SECOND], "ann", "a bad deploy")
    row = kept.remembered("pause/g/t/0")["pause/g/t/0"]
    assert (row["by"], row["reason"], row["at"][-1]) == ("ann", "a bad deploy", "Z")
    assert steered.told == [("pause", "g", "t-0", "ann"), ("pause", "g", "t-1", "ann")]
    assert (pauses.paused_by("g", FIRST), pauses.paused_by("other", FIRST)) == ("ann", None)
    await pauses.resume("g", [FIRST])
    assert steered.told[-1] == ("resume", "g", "t-0")
    assert (pauses.paused_by("g", FIRST), pauses.paused_by("g", SECOND)) == (None, "ann")


async def test_what_was_remembered_before_and_elsewhere_is_told_too() -> None:
    kept, steered = Kept(), Steered()
    kept.keep("pause/a/b/t/7", {"by": "bob"})
    kept.keep("pause/nonsense", {"by": "bob"})
    kept.keep("pause/g/t/x", {"by": "bob"})
    Pauses(kept, steered)
    assert steered.told == [("pause", "a/b", "t-7", "bob")]
    kept.keep("pause/a/b/t/7", None)
    assert steered.told[-1] == ("resume", "a/b", "t-7")


async def test_it_says_why_a_pause_is_not_kept() -> None:
    kept = Kept()
    kept.why_local = "the in-memory broker keeps nothing"
    assert Pauses(kept, Steered()).why_not_kept == "the in-memory broker keeps nothing"
