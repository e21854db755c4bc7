"""Both ways of taking a body apart agree, and no body whatever is answered with a mistake."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from app.api.json_text import MAX_DEPTH, MalformedJson, check_text, depth
from app.api.message_reader import FIELD_NAMES, ReadMessage, read_batch, read_one, split_fields, split_strictly
from app.api.problems import Refusal
from app.errors import Fault
from tests.api.service import Service

names = st.sampled_from([*FIELD_NAMES, "x", "to\\u0070ic", "\\u0070ayload", "messages", ""])
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=True), st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
blanks = st.sampled_from(["", " ", "\n\t", "\r"])
fragments = st.sampled_from(
    ["null", '"\\ud800"', '"\\ud83d\\ude00"', '"a:b\\"c"', "1e5", "01", "[", '{"a":1,"a":2}', '"\x01"', "é", "\ufeff"]
)


@st.composite
def objects(draw: st.DrawFn) -> str:
    """The text of an object with fields of a message, right, wrong, repeated or broken."""
    members = draw(st.lists(st.tuples(names, values | fragments.map(_Verbatim)), max_size=6))
    blank = draw(blanks)
    written = [f'"{name}"{blank}:{blank}{_text(value)}' for name, value in members]
    return blank + "{" + f"{blank},{blank}".join(written) + "}" + blank


class _Verbatim(str):
    __slots__ = ()


def _text(value: Any) -> str:
    return str(value) if isinstance(value, _Verbatim) else json.dumps(value, ensure_ascii=False)


def split_or_error(split: Any, text: bytes) -> object:
    try:
        fields, faults = split(check_text(text))
    except MalformedJson:
        return MalformedJson
    return fields, faults


@settings(max_examples=600)
@given(objects().map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b'{"payload":"\\u003a","payload":":"}')
@example(b'{"payload":{"a":1},"payload":1}')
@example(b'{"\\u0070ayload":1,"payload":1}')
def test_the_fast_way_and_the_strict_way_agree(text: bytes) -> None:
    assert split_or_error(split_fields, text) == split_or_error(split_strictly, text)


def holds_no_json_number(value: Any) -> bool:
    """Whether Python writes NaN or Infinity somewhere, which JSON does not have."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return True
    return False


@settings(max_examples=400)
@given(values.filter(lambda value: value is not None))
def test_a_payload_comes_out_as_it_went_in(value: Any) -> None:
    text = json.dumps(value).encode()
    body = b'{"payload" : %b , "topic":"example"}' % text
    if holds_no_json_number(value):
        with pytest.raises(Refusal, match="not JSON"):
            read_one(body)
        return
    outgoing = read_one(body).outgoing
    assert outgoing is not None
    assert outgoing.payload == text


@settings(max_examples=300)
@given(st.lists(objects(), min_size=1, max_size=4))
def test_a_message_in_a_batch_is_read_as_it_is_alone(texts: list[str]) -> None:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    alone = [outcome_of(text) for text in encoded]
    together = b'{"messages":[' + b",".join(encoded) + b"]}"
    if any(outcome == "malformed_json" for outcome in alone):
        with pytest.raises(Refusal) as refused:
            read_batch(together, 10)
        assert refused.value.code == "malformed_json"
    else:
        assert read_batch(together, 10) == alone


def outcome_of(body: bytes) -> ReadMessage | str:
    if body.startswith(b"\xef\xbb\xbf"):
        return "malformed_json"
    try:
        return read_one(body)
    except Refusal as refusal:
        return refusal.code


def test_both_give_the_texts_of_the_fields() -> None:
    text = b' {"topic" : "a" , "payload":{"b" : [1, 2 ]}}'
    fields, faults = split_fields(text)
    assert fields is not None
    assert (bytes(fields.topic), bytes(fields.payload), faults) == (b'"a"', b'{"b" : [1, 2 ]}', [])
    assert fields == split_strictly(text)[0]
    assert fields.key == Raw(b"")


def test_depth_counts_brackets_outside_of_strings_only() -> None:
    assert depth(b"") == 0
    assert depth(b'{"[[[":[{}],"a\\"[":"\\\\"}') == 3
    assert depth(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) == MAX_DEPTH


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b"[]", [Fault("", 'must be an object {"messages": […]}')]),
        (b"{}", [Fault("messages", "is required")]),
        (b'{"messages":[]}', [Fault("messages", "must have at least one message")]),
        (b'{"messages":{}}', [Fault("messages", "must be a list of messages")]),
        (b'{"messages":[{}],"messages":[]}', [Fault("messages", "is given more than once")]),
        (b'{"messages":[{}],"more":1}', [Fault("more", "is not a field of a batch; known is messages")]),
    ],
)
def test_what_is_wrong_with_a_batch_as_a_whole_is_named(body: bytes, faults: list[Fault]) -> None:
    with pytest.raises(Refusal) as refused:
        read_batch(body, 10)
    assert refused.value.code == "invalid_message"
    assert list(refused.value.faults) == faults


@pytest.mark.parametrize("messages", [b"{}," * 10 + b"{}", b"{}," * 1000 + b"{}", b"[]," * 100 + b"1"])
def test_a_batch_of_too_many_is_refused_without_being_taken_apart(messages: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_batch(b'{"messages":[' + messages + b"]}", 10)
    assert refused.value.code == "batch_too_large"


async def test_no_body_whatever_is_answered_with_a_mistake(service: Service) -> None:
    @settings(max_examples=300)
    @given(st.binary(max_size=60) | objects().map(lambda text: text.encode("utf-8", "surrogatepass")))
    def collect(body: bytes) -> None:
        bodies.append(body)

    bodies: list[bytes] = []
    collect()
    for body in bodies:
        for path in ("/produce", "/produce/batch", "/produce?mode=async"):
            wrapped = b'{"messages":[' + body + b"]}" if "batch" in path else body
            response = await service.http.post(path, content=wrapped)
            assert response.status_code in (200, 202, 207, 400, 403, 404, 422), (body, response.text)


async def test_no_header_and_no_query_whatever_is_answered_with_a_mistake(service: Service) -> None:
    odd = [b"", b"\xff\xfe", b",,,", b";q=;", b"a" * 5000, b"http://[", b"::::", b"-1", b"1" * 400, b'"', b"%", b"*/*"]
    looked_at = ["content-type", "x-request-id", "traceparent", "tracestate", "origin", "accept", "host", "prefer"]
    for value in odd:
        for name in looked_at:
            for method, path in (
                ("POST", "/produce"),
                ("GET", "/dashboard"),
                ("GET", "/metrics"),
                ("GET", "/receipts/x"),
            ):
                response = await service.http.request(
                    method, path, content=b'{"topic":"example","payload":1}', headers=[(name.encode(), value)]
                )
                assert response.status_code < 500, (name, value, response.text)
        response = await service.http.post("/produce", params={value.decode("latin-1"): value.decode("latin-1")})
        assert response.status_code < 500
