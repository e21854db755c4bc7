"""What the fields of a message mean, whatever they hold: every spelling of a value, and every wrong one by its name."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.message_reader import read_batch, read_one
from app.errors import Fault
from app.messages import OutgoingMessage
from app.producing.contract import MAX_PARTITION

topics = st.text("AZaz09._-", min_size=1, max_size=20).filter(lambda name: name not in (".", ".."))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(texts, inner | st.none(), max_size=3),
    max_leaves=6,
)
base64_spellings: st.SearchStrategy[Callable[[bytes], str]] = st.sampled_from(
    [
        lambda raw: base64.b64encode(raw).decode(),
        lambda raw: base64.b64encode(raw).decode().rstrip("="),
        lambda raw: base64.urlsafe_b64encode(raw).decode(),
        lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("="),
    ]
)


class Spelt(NamedTuple):
    """A field as it stands in the body, as JSON texts by name, and what it means."""

    members: dict[str, str]
    meaning: Any


@st.composite
def json_texts(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> str:
    """One of the ways to write a value down."""
    indent = draw(st.sampled_from([None, 1]))
    return json.dumps(draw(values), ensure_ascii=draw(st.booleans()), indent=indent)


@st.composite
def encoded(draw: st.DrawFn, name: str, encoding: str) -> Spelt:
    """A payload or a key in an encoding that it names."""
    members = {f"{name}_encoding": json.dumps(encoding)}
    if encoding == "json":
        text = draw(json_texts(json_values))
        return Spelt({name: text, **members}, text.encode())
    if encoding == "text":
        value = draw(texts)
        return Spelt({name: draw(json_texts(st.just(value))), **members}, value.encode())
    raw = draw(st.binary(max_size=20))
    return Spelt({name: json.dumps(draw(base64_spellings)(raw)), **members}, raw)


@st.composite
def payloads(draw: st.DrawFn) -> Spelt:
    spelt = draw(st.sampled_from(["json", "text", "base64"]).flatmap(lambda encoding: encoded("payload", encoding)))
    if spelt.members["payload_encoding"] == '"json"' and draw(st.booleans()):
        del spelt.members["payload_encoding"]
    return spelt


@st.composite
def keys(draw: st.DrawFn) -> Spelt:
    kind = draw(st.sampled_from(["absent", "null", "string", "other", "json", "text", "base64"]))
    if kind == "absent":
        return Spelt({}, None)
    if kind == "null":
        return Spelt({"key": "null"}, None)
    if kind == "string":
        value = draw(texts)
        return Spelt({"key": draw(json_texts(st.just(value)))}, value.encode())
    if kind == "other":
        text = draw(json_texts(json_values.filter(lambda value: not isinstance(value, str))))
        return Spelt({"key": text}, text.encode())
    return draw(encoded("key", kind))


@st.composite
def headers(draw: st.DrawFn) -> Spelt:
    pairs = draw(st.lists(st.tuples(texts.filter(bool), st.none() | texts.map(str.encode)), max_size=4))
    encoding = draw(st.sampled_from(["text", "base64"]))
    write = draw(base64_spellings) if encoding == "base64" else bytes.decode
    written = [(json.dumps(name), json.dumps(None if value is None else write(value))) for name, value in pairs]
    if draw(st.booleans()):
        text = "{" + ",".join(f"{name}:{value}" for name, value in written) + "}"
    else:
        text = "[" + ",".join(f"[{name},{value}]" for name, value in written) + "]"
    members = {"headers": text, "headers_encoding": json.dumps(encoding)}
    if encoding == "text" and draw(st.booleans()):
        del members["headers_encoding"]
    return Spelt(members, pairs)


class Written(NamedTuple):
    """The text of a message, its members, and what it means."""

    members: dict[str, str]
    meaning: OutgoingMessage

    def text(self, **others: str) -> bytes:
        """The body; `others` stand in the place of its own members, or beside them."""
        return (
            "{" + ", ".join(f'"{name}" : {text}' for name, text in {**self.members, **others}.items()) + "}"
        ).encode()


@st.composite
def messages(draw: st.DrawFn) -> Written:
    topic, payload, key, header = draw(topics), draw(payloads()), draw(keys()), draw(headers())
    place = draw(st.sampled_from(["partition", "partition_key", "neither"]))
    partition = draw(st.integers(0, MAX_PARTITION)) if place == "partition" else None
    partition_key = draw(texts) if place == "partition_key" else None
    timestamp = draw(st.none() | st.integers(0, 2**53))
    label = draw(st.none() | texts)
    plain = {"partition": partition, "partition_key": partition_key, "timestamp": timestamp, "label": label}
    given_or_null = {
        name: json.dumps(value) for name, value in plain.items() if value is not None or draw(st.booleans())
    }
    members = {"topic": json.dumps(topic), **payload.members, **key.members, **header.members, **given_or_null}
    shuffled = draw(st.permutations(list(members.items())))
    meaning = OutgoingMessage(
        topic=topic,
        payload=payload.meaning,
        key=key.meaning,
        partition=partition,
        partition_key=None if partition_key is None else partition_key.encode(),
        headers=header.meaning,
        timestamp=timestamp,
        label=label,
    )
    return Written(dict(shuffled), meaning)


@settings(max_examples=150)
@given(messages())
def test_a_message_means_what_it_says_however_it_is_spelt(written: Written) -> None:
    read = read_one(written.text())
    assert not read.faults
    assert read.outgoing == written.meaning
    assert read_batch(b'{"messages": [' + written.text() + b"]}", 1) == [read]


@settings(max_examples=60)
@given(messages(), keys())
def test_a_null_payload_is_a_tombstone_in_every_encoding_and_needs_a_key(written: Written, key: Spelt) -> None:
    for name in ("key", "key_encoding"):
        written.members.pop(name, None)
    read = read_one(written.text(payload="null", **key.members))
    if key.meaning is None:
        assert [fault.path for fault in read.faults] == ["key"]
    else:
        assert read.outgoing is not None
        assert (read.outgoing.payload, read.outgoing.key) == (None, key.meaning)


WRONG: dict[str, list[str]] = {
    "topic": ["null", "1", '""', '"."', '"a b"', '"é"', '"' + "x" * 250 + '"', "{}"],
    "partition": ["-1", "1.0", "1e3", '"1"', str(MAX_PARTITION + 1), "true", "[]", "-0.0"],
    "timestamp": ["-1", "1.5", '"yesterday"', '"2026-01-05"', '"2026-01-05T10:00:00"', "9" * 25, "true"],
    "label": ["1", "{}", '"' + "x" * 257 + '"', '"\\ud800"'],
    "headers": ["1", '"a"', "true"],
    "headers.a": ['{"a": 1}', '{"a": "\\ud800"}', '{"a": {}}'],
    "headers.0": ["[1]", '[["a"]]', '[["", "x"]]', '[["a", 1]]', '[["a", "b", "c"]]', '[null, ["a", "b"]]'],
    "headers.": ['{"": "x"}'],
    "payload_encoding": ['"hex"', "1", "null", '"JSON"'],
    "key_encoding": ['"hex"', "1", "null"],
    "headers_encoding": ['"json"', "1", "null"],
    "nobody": ["1"],
}


@settings(max_examples=150)
@given(messages(), st.sampled_from(sorted(WRONG)), st.data())
def test_a_wrong_value_is_named_by_its_field_and_by_no_other(written: Written, path: str, data: st.DataObject) -> None:
    name = path.partition(".")[0]
    wrong = data.draw(st.sampled_from(WRONG[path]))
    if name == "headers":
        written.members.pop("headers_encoding", None)
    if name == "partition":
        written.members.pop("partition_key", None)
    read = read_one(written.text(**{name: wrong}))
    assert read.outgoing is None
    assert {fault.path for fault in read.faults} == {path}


@settings(max_examples=40)
@given(messages(), st.sampled_from(["topic", "payload"]))
def test_what_is_required_is_asked_for(written: Written, name: str) -> None:
    del written.members[name]
    assert list(read_one(written.text()).faults) == [Fault(name, "is required")]


@settings(max_examples=40)
@given(messages(), st.data())
def test_a_repeated_field_is_named(written: Written, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(written.members)))
    twice = written.text()[:-1] + f', "{name}": {written.members[name]}'.encode() + b"}"
    assert Fault(name, "is given more than once") in read_one(twice).faults
