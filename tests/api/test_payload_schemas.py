"""Schemas of payloads hold on every route, and a payload that breaks one is told where."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema_rs import Draft202012Validator

from app.api.payload_schemas import MAX_FAULTS, PayloadSchemas, load_schemas
from app.errors import ConfigurationError
from tests.api.conftest import MakeService
from tests.api.service import Service

ORDER: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "integer"}, "lines": {"type": "array", "items": {"type": "string"}}},
    "additionalProperties": False,
}
GOOD = {"id": 1, "lines": ["a"]}


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    directory = tmp_path / "schemas"
    directory.mkdir()
    (directory / "example.json").write_text(json.dumps(ORDER))
    return directory


@pytest.fixture
def checked(make_either: MakeService, schemas: Path) -> Service:
    """A service whose topic example has the schema ORDER."""
    return make_either(http_schemas_dir=str(schemas))


async def test_what_fits_is_stored_as_it_was_sent(checked: Service) -> None:
    response = await checked.produce_raw(b'{"topic":"example","payload":{ "id": 1 }}')
    assert response.status_code == 200
    assert checked.kafka.records("example")[0].value == b'{ "id": 1 }'
    assert (await checked.produce(topic="other", payload="anything")).status_code == 200
    assert (await checked.produce(payload=None, key="k")).status_code == 200


@pytest.mark.parametrize(
    ("payload", "paths"),
    [
        ({}, ["payload"]),
        ({"id": "x"}, ["payload.id"]),
        ({"id": 1, "lines": ["a", 2, None]}, ["payload.lines.1", "payload.lines.2"]),
        ({"id": 1, "more": 1}, ["payload"]),
        ("text", ["payload"]),
        ({"id": 1.5}, ["payload.id"]),
        ({"id": 10**40}, None),
    ],
)
async def test_a_fault_is_told_with_its_place(checked: Service, payload: Any, paths: list[str] | None) -> None:
    response = await checked.produce(payload=payload)
    if paths is None:
        assert response.status_code == 200
        return
    assert (response.status_code, response.json()["code"], response.json()["retriable"]) == (
        422,
        "schema_violation",
        False,
    )
    assert [error["path"] for error in response.json()["errors"]] == paths
    assert checked.kafka.records("example") == []


async def test_the_schema_holds_for_what_is_stored_however_it_was_sent(checked: Service) -> None:
    encoded = base64.b64encode(b'{"id":"x"}').decode()
    for response in (
        await checked.produce(payload=encoded, payload_encoding="base64"),
        await checked.produce(payload="not JSON", payload_encoding="text"),
        await checked.produce("?mode=async", payload={}),
        await checked.http.post("/produce/example", content=b'{"id":"x"}'),
        await checked.http.post("/produce/example", content=b"\xff"),
        await checked.http.post("/produce/example", content=b""),
    ):
        assert (response.status_code, response.json()["code"]) == (422, "schema_violation")
    good = base64.b64encode(json.dumps(GOOD).encode()).decode()
    assert (await checked.produce(payload=good, payload_encoding="base64")).status_code == 200
    assert (await checked.http.post("/produce/example", content=json.dumps(GOOD))).status_code == 200


async def test_in_a_batch_the_others_are_sent_unless_it_is_atomic(checked: Service) -> None:
    messages = [{"topic": "example", "payload": GOOD}, {"topic": "example", "payload": {"id": "x"}}]
    some = await checked.batch(*messages)
    assert some.status_code == 207
    assert [result.get("code") for result in some.json()["results"]] == [None, "schema_violation"]
    assert some.json()["results"][1]["errors"][0]["path"] == "messages.1.payload.id"
    none = await checked.batch(*messages, query="?atomic=true")
    assert (none.status_code, none.json()["code"]) == (422, "invalid_message")
    assert [result["code"] for result in none.json()["results"]] == ["atomic", "schema_violation"]
    assert [error["path"] for error in none.json()["errors"]] == ["messages.1.payload.id"]
    assert len(checked.kafka.records("example")) == 1


def test_faults_are_bounded_in_number_and_length(schemas: Path) -> None:
    loaded = load_schemas(str(schemas))
    many = loaded.refusal("example", json.dumps({"id": 1, "lines": list(range(100))}).encode())
    assert many is not None
    assert len(many.faults) == MAX_FAULTS
    long = loaded.refusal("example", json.dumps({"id": "x" * 100_000}).encode())
    assert long is not None
    assert len(long.detail) < 500


def test_of_a_long_payload_the_first_fault_is_told(schemas: Path) -> None:
    payload = json.dumps({"id": 1, "lines": list(range(150_000))}).encode()
    refusal = load_schemas(str(schemas)).refusal("example", payload)
    assert refusal is not None
    assert [fault.path for fault in refusal.faults] == ["payload.lines.0"]


@pytest.mark.parametrize(
    "payload", [b"[" * 400 + b"]" * 400, b'"\\ud800"', b'{"\\ud800":1}', b"1e999", b"9" * 5000, b"nul", b"", b"\xff"]
)
def test_odd_payloads_are_judged_too(tmp_path: Path, payload: bytes) -> None:
    (tmp_path / "example.json").write_text('{"$ref":"#/$defs/t","$defs":{"t":{"items":{"$ref":"#/$defs/t"}}}}')
    load_schemas(str(tmp_path)).refusal("example", payload)


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: json.dumps(text).encode()))
def test_no_payload_whatever_is_too_much(payload: bytes) -> None:
    PayloadSchemas({"example": Draft202012Validator(ORDER)}).refusal("example", payload)


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("example", "{", "is not JSON"),
        ("example", '{"type":"nope"}', "no JSON Schema"),
        ("example", '{"$ref":"#/nope"}', "no JSON Schema"),
        ("example", '{"$ref":"http://127.0.0.1:1/x.json"}', "nothing is fetched"),
        ("example", '{"$ref":"file:///etc/passwd"}', "nothing is fetched"),
        ("bad name", "{}", "name of a topic"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named_at_start(tmp_path: Path, name: str, text: str, word: str) -> None:
    (tmp_path / f"{name}.json").write_text(text)
    (tmp_path / "also bad.json").write_text("{}")
    with pytest.raises(ConfigurationError, match=word) as raised:
        load_schemas(str(tmp_path))
    assert len(raised.value.faults) == 2
    assert f"{name}.json" in str(raised.value)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"HTTP_SCHEMAS_DIR: .*nowhere is not a directory"):
        load_schemas(str(tmp_path / "nowhere"))
