"""Tables as CSV: readable by machines, harmless in spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest

from app.dashboard.csv_rows import csv_of, guarded


def lines(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def test_columns_stand_in_the_first_line_also_of_an_empty_table() -> None:
    assert csv_of(("topic", "lag"), []) == b"topic,lag\r\n"


def test_values_come_back_as_they_were() -> None:
    rows = [{"a": 'say "no",\r\nthen go', "b": -1.5, "c": None, "d": True, "e": ["x", "y"], "f": {"n": 1}}]
    assert lines(csv_of(("a", "b", "c", "d", "e", "f"), rows))[1] == [
        'say "no",\r\nthen go',
        "-1.5",
        "",
        "true",
        '["x","y"]',
        '{"n":1}',
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", '=cmd|"/c calc"!A1'])
def test_a_text_that_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert guarded(text) == "'" + text
    assert lines(csv_of(("a",), [{"a": text}]))[1] == ["'" + text]


def test_a_lone_surrogate_of_a_message_does_not_break_the_file() -> None:
    assert lines(csv_of(("a",), [{"a": "\ud800"}]))[1] == ["\\ud800"]


def test_harmless_texts_and_negative_numbers_stay_as_they_are() -> None:
    assert lines(csv_of(("a", "b"), [{"a": "a=1", "b": -5}]))[1] == ["a=1", "-5"]
