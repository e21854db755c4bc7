"""A recording consumer's lines come back as the facts that they stand for."""

from __future__ import annotations

from pathlib import Path

from tests.history import Given, History, Report
from tests.history_journal import appending, ids_given, lines_of, tell

LINES = [
    "given a1 t 0 1.500000 1 0:x 1:y",
    "finished a1 t 0 2.000000 1",
    "revoked a1 t 0 2.500000 ",
    "given b1 t 0 3.000000 2 2:z",
    "outlived b1 t 0 4.000000 2",
]


def test_lines_become_facts() -> None:
    told, wanted = History(), History()
    tell(told, "i", LINES)
    for offset, message_id in enumerate("xy"):
        wanted.given(Given("i", "a1", "t", 0, offset, message_id, 1.5, 1))
    wanted.finished("a1", "t", 0, 1, 2.0)
    wanted.ended("a1", "t", 0, "revoked", 2.5)
    wanted.given(Given("i", "b1", "t", 0, 2, "z", 3.0, 2))
    wanted.ended("b1", "t", 0, "outlived", 4.0)
    assert vars(told) == vars(wanted)
    for offset, message_id in enumerate("xyz"):
        told.acknowledged("t", 0, offset, message_id)
    assert told.check() == Report(records=3, given=3, longest_silence_s=1.5)


def test_ids_are_those_of_given_messages() -> None:
    assert ids_given(LINES) == {"x", "y", "z"}


def test_a_journal_that_was_cut_lacks_only_its_last_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    assert list(lines_of(path)) == []
    write = appending(path)
    for line in LINES:
        write(line)
    path.write_bytes(path.read_bytes()[:-3])
    assert list(lines_of(path)) == LINES[:-1]
