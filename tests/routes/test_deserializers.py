"""Payloads with a type: pydantic models, msgspec structs, any callable."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from pydantic import BaseModel, ValidationError

from app.consumers.example import ExampleConsumer
from app.errors import UndecodablePayload
from app.messages import Message, Messages
from app.routes import Routes, Subscription
from app.routes.loading import draw_table
from tests.conftest import make_settings
from tests.fakes import FakeRecord


class Payment(BaseModel):
    id: int
    amount: float = 0.0


class Reading(msgspec.Struct):
    place: str
    value: float


def line_with(**options: Any) -> Subscription:
    def draw(routes: Routes) -> None:
        routes.topic("t", ExampleConsumer, **options)

    (line,) = draw_table(draw, make_settings("kafka:9092")).subscriptions
    return line


def message(raw: bytes | None, **options: Any) -> Message:
    return Message(FakeRecord(3, raw, b'{"id":9}'), line_with(**options).deserializers)


def test_a_pydantic_model_reads_the_payload() -> None:
    assert message(b'{"id":1,"amount":2.5}', payload=Payment).payload == Payment(id=1, amount=2.5)


def test_a_msgspec_struct_reads_the_payload() -> None:
    assert message(b'{"place":"here","value":1}', payload=Reading).payload == Reading("here", 1.0)


@pytest.mark.parametrize(
    ("model", "cause"), [(Payment, ValidationError), (Reading, msgspec.ValidationError)], ids=["pydantic", "msgspec"]
)
def test_json_of_another_shape_is_undecodable_and_the_cause_says_where(model: type, cause: type[Exception]) -> None:
    with pytest.raises(UndecodablePayload, match="message 3 of t-0") as raised:
        _ = message(b'{"id":"x","place":1}', payload=model).payload
    assert isinstance(raised.value.__cause__, cause)
    assert any(name in str(raised.value.__cause__) for name in ("id", "place"))


@pytest.mark.parametrize("model", [Payment, Reading])
def test_a_tombstone_is_never_read(model: type) -> None:
    assert message(None, payload=model).payload is None


def test_many_payloads_are_read_at_once() -> None:
    records = [FakeRecord(0, b'{"id":1}'), FakeRecord(1, None), FakeRecord(2, b'{"id":2}')]
    assert Messages(records, line_with(payload=Payment).deserializers).payloads == [Payment(id=1), None, Payment(id=2)]


def test_keys_have_types_too_and_what_is_not_given_stays_as_it_is() -> None:
    one = message(b"5", key=Payment)
    assert (one.key, one.payload) == (Payment(id=9), 5)


def test_any_callable_will_do() -> None:
    assert message(b"abc", payload=bytes.upper).payload == b"ABC"
