"""`demijohn dlq` on a real Kafka: what is sent back goes once, whoever asks."""

from __future__ import annotations

import json
from typing import NamedTuple, cast

import click
import pytest

from app.cli.commands import main
from app.cli.dlq import check_memory
from app.producer import Producer
from app.redriving.memory import RedriveMemory
from tests.cli.commands import Done, demijohn
from tests.conftest import MakeTopic
from tests.kafka_tools import console_consumer

LETTERS = 5


class Letters(NamedTuple):
    """Five letters in one partition, of a topic with two."""

    servers: str
    source: str
    dlq: str

    async def run(self, *arguments: str, create: str = "true", fleet_name: str = "") -> Done:
        return await demijohn(
            "dlq",
            *arguments,
            servers=self.servers,
            routes="tests.cli.tables:dead_letters",
            dlq_topic=self.dlq,
            kafka_create_topics=create,
            fleet_name=fleet_name,
        )


@pytest.fixture
async def letters(kafka: str, make_topic: MakeTopic, producer: Producer) -> Letters:
    source, dlq = await make_topic(2), await make_topic(prefix="dlq")
    for number in range(LETTERS):
        headers = {
            "own": "1",
            "source_topic": source,
            "source_partition": "1",
            "source_offset": str(number),
            "error_class": "builtins.ValueError",
            "error_message": "no such customer",
            "failed_at": "2026-01-05T10:00:00.000Z",
        }
        await producer.produce_sync(topic=dlq, payload={"n": number}, key="k", headers=headers)
    return Letters(kafka, source, dlq)


async def test_letters_are_listed_shown_and_sent_back_once(letters: Letters) -> None:
    listed = await letters.run("list", "--json")
    row = next(row for row in json.loads(listed.out) if row["topic"] == letters.dlq)
    assert (row["messages"], row["sources"]) == (LETTERS, [letters.source])
    assert row["reasons"] == [{"error_class": "builtins.ValueError", "count": LETTERS}]
    dry = await letters.run("redrive", letters.dlq, "--all", "--dry-run")
    assert (dry.code, dry.out) == (0, "done: 5 would be sent, 0 had gone back before, 0 failed.\n"), dry
    asked = await letters.run("redrive", letters.dlq, "--all")
    assert (asked.code, "say --yes" in asked.err) == (2, True), asked
    some = await letters.run("redrive", letters.dlq, "--partition", "0", "--offset", "1", "--offset", "3", "--yes")
    assert (some.code, some.out) == (0, "done: 2 sent, 0 had gone back before, 0 failed.\n"), some
    shown = json.loads((await letters.run("show", letters.dlq, "--json")).out)
    assert {letter["offset"]: letter["dead"]["redriven"] for letter in shown} == {
        0: False,
        1: True,
        2: False,
        3: True,
        4: False,
    }
    rest = await letters.run("redrive", letters.dlq, "--all", "--yes", "--json")
    done = json.loads(rest.out)
    assert (done["state"], done["done"], done["skipped"], done["kept"]) == ("done", 3, 2, True), done
    stored = [line.split("\t") for line in await console_consumer(letters.servers, letters.source, LETTERS)]
    assert {line[0] for line in stored} == {"Partition:1"}
    assert sorted(line[-1] for line in stored) == [f'{{"n":{number}}}' for number in range(LETTERS)]
    assert {line[2] for line in stored} == {"own:1"}


async def test_what_went_back_is_remembered_by_the_fleet_that_is_named(letters: Letters) -> None:
    missing = await letters.run("redrive", letters.dlq, "--all", "--yes", create="false", fleet_name="nobody")
    assert (missing.code, "the topic demijohn_nobody_redrives does not exist" in missing.err) == (2, True), missing


class Forgetful:
    """A memory that cannot keep anything."""

    why_not_kept = "the topic demijohn_redrives does not exist"

    async def prepare(self) -> None:
        return


async def test_what_cannot_be_remembered_is_sent_only_when_that_is_said() -> None:
    memory = cast("RedriveMemory", Forgetful())
    with pytest.raises(click.UsageError, match=r"the topic demijohn_redrives does not exist\. Create it"):
        await check_memory(memory, forget=False)
    await check_memory(memory, forget=True)


async def test_what_cannot_be_done_is_named(letters: Letters) -> None:
    missing = await letters.run("redrive", letters.dlq, "--all", "--to", "none-such", "--yes")
    assert (missing.code, "none-such does not exist" in missing.err) == (1, True), missing
    beyond = await letters.run("redrive", letters.dlq, "--partition", "0", "--offset", "99", "--yes")
    assert beyond.code == 1
    assert beyond.out == "done: 0 sent, 0 had gone back before, 1 failed.\n"
    table = await letters.run("show", letters.dlq, "--limit", "1")
    assert f"{letters.source}-1:4" in table.out
    assert "no such customer" in table.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["redrive", "d"], "Either --all"),
        (["redrive", "d", "--all", "--offset", "1"], "Either --all"),
        (["redrive", "d", "--offset", "1"], "--offset needs a --partition"),
        (["redrive", "d", "--all", "--partition", "1"], "--partition goes with --offset"),
        (["show", "d", "--offset", "1"], "--offset needs a --partition"),
    ],
)
def test_what_cannot_be_meant_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dlq", *arguments]) == 2
    assert said in capsys.readouterr().err
