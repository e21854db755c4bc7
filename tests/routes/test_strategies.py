"""What a strategy may answer."""

from __future__ import annotations

import pytest

from app.routes import Dispatch, Retry, Skip, Stop
from app.routes.strategies import as_verdict


def test_verdicts_without_fields_may_be_answered_as_classes() -> None:
    assert [as_verdict(answer) for answer in (Retry, Skip, Stop)] == [Retry(), Skip(), Stop()]


def test_verdicts_are_taken_as_they_are() -> None:
    assert as_verdict(Retry(5)) == Retry(5)
    assert as_verdict(Dispatch("t.dlq")) == Dispatch("t.dlq")


@pytest.mark.parametrize("answer", [None, True, "t.dlq", Dispatch])
def test_anything_else_is_refused_with_what_would_do(answer: object) -> None:
    with pytest.raises(TypeError, match=r"Retry, Dispatch\(topic\), Skip or Stop"):
        as_verdict(answer)
