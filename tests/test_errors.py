"""The error tree: what it is grouped by, and what each error says."""

from __future__ import annotations

import inspect
import re

import pytest

import app.errors
from app.errors import ConfigurationError, DemijohnError, Fault, MessageInvalid, ProduceError, SettingsInvalid

CLASSES = [value for value in vars(app.errors).values() if inspect.isclass(value) and issubclass(value, DemijohnError)]
PRODUCE = [error for error in CLASSES if issubclass(error, ProduceError)]


def test_the_drawn_tree_is_the_tree() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (app.errors.__doc__ or "").splitlines():
        if match := re.match(r"((?:[│ ]   )*)(?:├── |└── )?([A-Z]\w+)(\s|$)", line):
            depth = len(match.group(1)) // 4 + (1 if "── " in line else 0)
            path[depth:] = [match.group(2)]
            if depth:
                drawn[match.group(2)] = path[depth - 1]
    built = {error.__name__: error.__bases__[0].__name__ for error in CLASSES if error is not DemijohnError}
    assert drawn == built


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_is_documented(error: type[DemijohnError]) -> None:
    assert error.__doc__
    assert error.__doc__.strip().split("\n")[0].endswith(".")


def test_codes_are_stable_names_of_their_own() -> None:
    codes = [error.code for error in PRODUCE]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_only_one_error_leaves_open_whether_the_message_is_stored() -> None:
    assert [error.__name__ for error in PRODUCE if error.stored is None] == ["DeliveryUnknown"]
    assert not any(error.stored for error in PRODUCE)


def test_every_fault_is_in_the_text_with_its_place() -> None:
    error = SettingsInvalid([Fault("HTTP_PORT", "must be a number"), Fault("", "and something else")])
    assert str(error) == "The settings are not valid:\n  - HTTP_PORT: must be a number\n  - and something else"
    assert isinstance(error, ConfigurationError)
    assert str(MessageInvalid([Fault("topic", "is empty"), Fault("key", "is odd")])) == "topic: is empty; key: is odd"


def test_an_error_without_a_text_says_what_it_means() -> None:
    assert str(app.errors.KafkaUnavailable()) == "No broker answered in time."
