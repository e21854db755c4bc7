"""`demijohn produce` on a real Kafka, with its console consumer as the witness."""

from __future__ import annotations

import json

import pytest

from app.cli.commands import main
from tests.cli.commands import demijohn
from tests.conftest import MakeTopic
from tests.kafka_tools import console_consumer


async def test_one_message_is_made_of_options(kafka: str, make_topic: MakeTopic) -> None:
    topic = await make_topic(3)
    options = ("--payload", '{"a": 1.0}', "--key", "k", "--header", "x=1", "--partition", "2")
    done = await demijohn("produce", topic, *options, servers=kafka)
    assert (done.code, done.out) == (0, f"Stored in {topic}-2 at offset 0\n"), done
    gone = await demijohn("produce", topic, "--tombstone", "--key", "k", "--partition", "2", "--json", servers=kafka)
    assert json.loads(gone.out) | {"timestamp": 0} == {
        "line": 1,
        "status": "delivered",
        "topic": topic,
        "partition": 2,
        "offset": 1,
        "timestamp": 0,
        "code": None,
        "error": None,
    }
    stored = await console_consumer(kafka, topic, 2)
    assert [line.split("\t")[2:] for line in stored] == [["x:1", "k", '{"a": 1.0}'], ["NO_HEADERS", "k", "null"]]


async def test_each_line_is_a_payload_where_the_topic_is_named(kafka: str, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    lines = "".join(f"line {number}\n" for number in range(3000)) + "\n\nthe last, without an end"
    done = await demijohn("produce", topic, "--key", "k", servers=kafka, stdin=lines)
    assert (done.code, done.out, done.err) == (0, "", "3001 stored.\n"), done
    stored = [line.split("\t")[-1] for line in await console_consumer(kafka, topic, 3001)]
    assert stored == [line for line in lines.split("\n") if line]


async def test_each_line_is_a_message_where_it_is_not_and_bad_ones_are_named(kafka: str, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    good = json.dumps({"topic": topic, "payload": {"n": 1}, "key": "k"})
    bad = ['{"topic":', json.dumps({"topic": topic, "payloads": 1}), json.dumps({"topic": "none-such", "payload": 1})]
    stdin = "\n".join([good, *bad, good])
    stopped = await demijohn("produce", servers=kafka, stdin=stdin)
    assert stopped.code == 1
    assert "Line 2: The body is not JSON" in stopped.err
    assert "nothing after it was sent" in stopped.err
    assert stopped.err.endswith("1 stored, 1 bad, not sent.\n"), stopped.err
    went_on = await demijohn("produce", "--skip-bad", "--json", servers=kafka, stdin=stdin)
    rows = [json.loads(line) for line in went_on.out.splitlines()]
    assert [(row["line"], row["status"]) for row in rows] == [
        (1, "delivered"),
        (2, "failed"),
        (3, "failed"),
        (4, "failed"),
        (5, "delivered"),
    ]
    assert [row.get("code") for row in rows[1:4]] == ["malformed_json", "invalid_message", "unknown_topic"]
    assert went_on.code == 1
    assert len(await console_consumer(kafka, topic, 3)) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--payload", "x"], "Which TOPIC?"),
        (["--key", "k"], "--key needs a TOPIC"),
        (["t", "--tombstone"], "--tombstone needs the --key"),
        (["t", "--tombstone", "--key", "k", "--payload", "x"], "--tombstone has no --payload"),
        (["t", "--payload", "x", "--header", "novalue"], "'novalue' must be NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["produce", *arguments]) == 2
    assert said in capsys.readouterr().err
