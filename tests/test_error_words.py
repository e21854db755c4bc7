"""What is said of any error."""

from __future__ import annotations

from app.error_words import class_name, error_text
from app.errors import UnknownTopic


class Mute(Exception):
    """Its own text raises."""

    def __str__(self) -> str:
        raise RuntimeError


def test_a_text_that_cannot_be_had_is_said_so() -> None:
    assert error_text(ValueError("mine")) == "mine"
    assert error_text(Mute()) == "(its text cannot be had: RuntimeError)"


def test_a_class_is_named_with_its_module() -> None:
    assert class_name(UnknownTopic()) == "app.errors.UnknownTopic"
    assert class_name(KeyError()) == "builtins.KeyError"
