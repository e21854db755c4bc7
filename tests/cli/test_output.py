"""Tables for people: columns line up, numbers at their end, and what is not known is a dash."""

from __future__ import annotations

import json

import pytest

from app.cli.output import show_rows, table

ROWS: list[dict[str, object]] = [
    {"topic": "payments", "lag": 3356, "paused": True},
    {"topic": "x", "lag": None, "paused": False},
]


def test_columns_line_up() -> None:
    assert table(("topic", "lag", "paused"), ROWS) == [
        "TOPIC      LAG  PAUSED",
        "payments  3356  yes",
        "x            -  no",
    ]


def test_a_column_of_a_list_is_written_as_one() -> None:
    assert table(("isr",), [{"isr": [1, 2]}, {"isr": list[int]()}]) == ["ISR", "1, 2", "-"]


def test_programs_get_the_rows_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows(("topic",), ROWS, as_json=True, empty="none")
    assert json.loads(capsys.readouterr().out) == ROWS


@pytest.mark.parametrize(("as_json", "printed"), [(False, "There are no topics.\n"), (True, "[]\n")])
def test_nothing_is_said_in_words_to_people_only(
    as_json: bool, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show_rows(("topic",), [], as_json=as_json, empty="There are no topics.")
    assert capsys.readouterr().out == printed
