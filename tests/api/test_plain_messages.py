"""The short way reads what the full way reads, or leaves it alone."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from app.api.json_text import MalformedJson, check_text
from app.api.message_reader import split_strictly
from app.api.plain_messages import plain_batch, plain_message
from app.messages import OutgoingMessage
from tests.api.test_message_reader import objects


@settings(max_examples=400)
@given(objects().map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b'{"topic":"a","payload":":","key":"b:"}')
@example(b'{"topic":"a","payload":1,"key":"\\u003a","key":"b"}')
@example(b'{"topic":"a","payload":1,"key":"a","key":"\\u003A"}')
@example(b'{"topic":"a","payload":{"b":1},"payload":2}')
def test_what_it_gives_is_what_the_strict_way_finds(text: bytes) -> None:
    try:
        text = check_text(text)
        plain = plain_message(text)
        fields, faults = split_strictly(text)
    except MalformedJson:
        return
    if plain is not None:
        assert fields is not None
        assert not faults
        assert (f'"{plain.topic}"'.encode(), plain.payload) == (bytes(fields.topic), bytes(fields.payload))


@pytest.mark.parametrize("key", [b"", b',"key":""', b',"key":"a"', b',"key":"\xc3\xa9:"', b',"key":"\\n"'])
def test_a_message_with_a_topic_a_payload_and_perhaps_a_text_as_its_key_is_plain(key: bytes) -> None:
    given_key = {b"": None, b',"key":""': b"", b',"key":"a"': b"a", b',"key":"\\n"': b"\n"}.get(key, "é:".encode())
    text = b'{"topic":"a.b","payload":{"c": ":" }%b}' % key
    message = OutgoingMessage(topic="a.b", payload=b'{"c": ":" }', key=given_key)
    assert plain_message(text) == message
    assert plain_batch(b'{"messages":[%b,%b]}' % (text, text), 2) == [message, message]


@pytest.mark.parametrize(
    "member",
    [
        b'"key":"k"',
        b'"payload":null',
        b'"payload":1,"key":null',
        b'"payload":1,"key":7',
        b'"payload":1,"label":"x"',
        b'"payload":1,"more":1',
        b'"payload":1,"payload":2',
        b'"payload":"\\u003a"',
        b'"payload":1}',
    ],
)
def test_everything_else_is_left_to_the_full_way(member: bytes) -> None:
    text = b'{"topic":"a",%b}' % member
    assert plain_message(text) is None
    assert plain_batch(b'{"messages":[%b]}' % text, 2) is None


@pytest.mark.parametrize("topic", [b"", b".", b"..", b"a b", b"a:b", b"x" * 250])
def test_a_topic_of_another_name_than_kafka_allows_is_left_to_the_full_way(topic: bytes) -> None:
    assert plain_message(b'{"topic":"%b","payload":1}' % topic) is None


def test_a_batch_of_none_or_too_many_is_left_to_the_full_way() -> None:
    one = b'{"topic":"a","payload":1}'
    assert plain_batch(b'{"messages":[]}', 2) is None
    assert plain_batch(b'{"messages":[%b,%b,%b]}' % (one, one, one), 2) is None
    assert plain_batch(b'{"messages":[%b],"messages":[%b]}' % (one, one), 2) is None
