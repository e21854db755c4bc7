"""Which rows of a table a query shows, and which queries are refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.api.problems import Refusal
from app.dashboard.queries import Query, TableQuery, TableSpec, read_parameters, read_rows

SPEC = TableSpec(("topic", "partition", "lag"), "-lag")
ROWS = [
    {"topic": "payments", "partition": 0, "lag": 5},
    {"topic": "payments", "partition": 1, "lag": None},
    {"topic": "orders", "partition": 0, "lag": 70},
    {"topic": "Orders.dlq", "partition": 2, "lag": 0},
]


def shown(parameters: str) -> list[tuple[Any, Any]]:
    given = read_parameters(parameters.encode(), ("q", "sort", "page", "per_page"))
    return [(row["topic"], row["partition"]) for row in read_rows(given, SPEC, paged=True).table(ROWS)["rows"]]


def test_the_default_sort_puts_the_most_first_and_what_is_not_known_last() -> None:
    assert shown("") == [("orders", 0), ("payments", 0), ("Orders.dlq", 2), ("payments", 1)]


def test_a_sort_goes_up_and_with_a_minus_down() -> None:
    assert shown("sort=lag")[:2] == [("payments", 1), ("Orders.dlq", 2)]
    assert shown("sort=-partition")[0] == ("Orders.dlq", 2)
    assert shown("sort=topic")[0] == ("Orders.dlq", 2)


def test_all_words_of_a_search_occur_in_a_row_in_any_case() -> None:
    assert shown("q=ORDERS") == [("orders", 0), ("Orders.dlq", 2)]
    assert shown("q=orders+dlq") == [("Orders.dlq", 2)]
    assert shown("q=orders+payments") == []


def test_a_search_looks_into_lists_and_objects() -> None:
    rows: list[dict[str, Any]] = [{"groups": [{"name": "reports"}]}, {"groups": []}]
    assert TableQuery(words=("reports",)).table(rows)["matched"] == 1


def test_a_search_takes_quotes_and_every_letter_as_they_are() -> None:
    rows: list[dict[str, Any]] = [
        {"message": 'KeyError "Ünïd\\"'},
        {"message": "\ud800 lone"},
        {"message": None, "count": 17},
    ]
    found = [
        [row["message"] for row in read_rows({"q": words}, SPEC, paged=True).table(rows)["rows"]]
        for words in ('"ÜNÏD\\"', "lone", "17", "null")
    ]
    assert found == [['KeyError "Ünïd\\"'], ["\ud800 lone"], [None], []]


def test_a_page_says_how_many_match_and_how_many_there_are() -> None:
    rows = [{"n": number, "text": "even" if number % 2 == 0 else "odd"} for number in range(250)]
    table = TableQuery(("even",), "n", page=2, per_page=100).table(rows)
    assert [row["n"] for row in table["rows"]] == list(range(200, 250, 2))
    assert (table["matched"], table["total"], table["page"], table["per_page"]) == (125, 250, 2, 100)


def test_a_page_behind_the_last_one_is_empty() -> None:
    assert TableQuery((), "n", page=9, per_page=10).table([{"n": 1}])["rows"] == []


def test_without_pages_all_rows_are_shown() -> None:
    rows = [{"n": number} for number in range(2500)]
    assert len(TableQuery((), "n", per_page=None).table(rows)["rows"]) == 2500


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("sort=size", "query.sort"),
        ("sort=--lag", "query.sort"),
        ("page=0", "query.page"),
        ("page=-1", "query.page"),
        ("page=x", "query.page"),
        ("page=9999999999999", "query.page"),
        ("per_page=0", "query.per_page"),
        ("per_page=1001", "query.per_page"),
        ("nothing=1", "query.nothing"),
        ("q=a&q=b", "query.q"),
        ("q=" + "a" * 1001, "query.q"),
    ],
)
def test_a_wrong_parameter_is_refused_by_its_name(query: str, path: str) -> None:
    with pytest.raises(Refusal) as refused:
        shown(query)
    assert refused.value.code == "invalid_parameter"
    assert [fault.path for fault in refused.value.faults] == [path]


def test_every_wrong_parameter_is_told_at_once() -> None:
    with pytest.raises(Refusal) as refused:
        shown("sort=size&page=0&per_page=0")
    assert len(refused.value.faults) == 3


def test_filters_are_read_as_what_they_must_be() -> None:
    query = Query(filters={"only": "lag", "limit": "50", "internal": "true"})
    assert query.chosen("only", ("lag", "all"), "all") == "lag"
    assert query.number("limit", 10, 1, 100) == 50
    assert query.flag("internal")
    assert Query().number("limit", 10, 1, 100) == 10
    for wrong in (
        lambda: query.chosen("only", ("all",), "all"),
        lambda: query.number("limit", 10, 1, 49),
        lambda: query.flag("only"),
    ):
        with pytest.raises(Refusal):
            wrong()
