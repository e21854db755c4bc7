"""`demijohn consume` and `tail` on a real Kafka."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from app.cli.commands import main
from app.cli.consume import text_line
from app.kafka.log_reader import StoredRecord
from app.producer import Producer
from tests.cli.commands import ROOT, demijohn
from tests.conftest import MakeTopic


@pytest.fixture
async def topic(make_topic: MakeTopic, producer: Producer) -> str:
    """120 messages in 3 partitions, a second between them, the 10th with a header."""
    name = await make_topic(3, config={"retention.ms": "-1"})  # its records are of 1970
    messages = [
        {"topic": name, "payload": {"n": n}, "key": f"k{n}", "partition": n % 3, "timestamp": 1000 * n}
        | ({"headers": {"mark": "tenth"}} if n == 10 else {})
        for n in range(120)
    ]
    await producer.produce_many_sync(messages)
    return name


def numbers(out: str) -> list[int]:
    return [json.loads(line.split("\t")[3])["n"] for line in out.splitlines()]


async def test_the_newest_come_in_order_and_any_place_can_be_read_from(kafka: str, topic: str) -> None:
    async def read(*options: str) -> list[int]:
        done = await demijohn("consume", topic, *options, servers=kafka)
        assert done.code == 0, done
        return numbers(done.out)

    newest, late, rest, own, found = await asyncio.gather(
        read(),
        read("--from", "1970-01-01T00:01:55Z"),
        read("--from", "oldest", "--limit", "0"),
        read("--from", "38", "--partition", "1"),
        read("--from", "oldest", "--grep", "TENTH"),
    )
    assert newest == list(range(70, 120))
    assert sorted(late) == [115, 116, 117, 118, 119]
    assert sorted(rest) == list(range(120))
    assert own == [115, 118]
    assert found == [10]


async def test_programs_get_an_object_a_line_and_masked_topics_keep_their_contents(kafka: str, topic: str) -> None:
    plain = await demijohn("consume", topic, "--from", "3", "--partition", "1", "--limit", "1", "--json", servers=kafka)
    message = json.loads(plain.out)
    assert (message["topic"], message["partition"], message["offset"]) == (topic, 1, 3)
    assert json.loads(message["value"]["text"]) == {"n": 10}
    assert message["headers"] == [["mark", {"form": "text", "text": "tenth", "bytes": 5, "truncated": False}]]
    masked = await demijohn("consume", topic, "--limit", "1", servers=kafka, dashboard_masked_topics="t-*")
    assert masked.out.split("\t")[2:] == ["(4 bytes, masked)", "(9 bytes, masked)\n"], masked
    searched = await demijohn("consume", topic, "--grep", "tenth", servers=kafka, dashboard_masked_topics="t-*")
    assert (searched.code, searched.out, "is masked" in searched.err) == (2, "", True), searched


async def test_a_tail_shows_what_comes_until_ctrl_c(kafka: str, topic: str, producer: Producer) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KAFKA_BOOTSTRAP_SERVERS": kafka}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "faulthandler", "-m", "app", "tail", topic),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=heed_interrupts,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(30):
        before = [await process.stdout.readline() for _ in range(10)]
        assert numbers(b"".join(before).decode()) == list(range(110, 120))
        await producer.produce_sync(topic=topic, payload={"n": 120})
        assert numbers((await process.stdout.readline()).decode()) == [120]
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), 20)
    except TimeoutError:
        process.send_signal(signal.SIGABRT)  # then it says where it stands
    errors = (await process.stderr.read()).decode()
    assert (process.returncode, "Traceback" in errors) == (1, False), errors


def heed_interrupts() -> None:
    """What shells start in the background ignores Ctrl-C, and so does all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def test_a_topic_that_is_not_there_is_named_and_not_made(kafka: str) -> None:
    done = await demijohn("consume", "none-such", servers=kafka)
    assert done.code == 1
    assert "none-such" in done.err
    assert "Traceback" not in done.err


def test_a_place_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["consume", "t", "--from", "yesterday"]) == 2
    assert "'yesterday' is no offset" in capsys.readouterr().err


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    record = StoredRecord(0, 7, 0, False, b"\x00\xff", b'{\n "a":\t1}', ())
    assert text_line(record, hidden=False) == '0:7\t1970-01-01T00:00:00.000Z\t00 ff\t{\\n "a":\\t1}'
    tombstone = StoredRecord(0, 8, -1, False, b"k", None, ())
    assert text_line(tombstone, hidden=False) == "0:8\t-\tk\tnull"
