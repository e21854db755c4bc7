"""`demijohn keys new` prints a block for the file, and the secret once."""

from __future__ import annotations

import json

import pytest

from app.api.keys import read_keys
from app.cli.commands import main


def test_what_is_printed_is_a_block_and_the_secret_that_it_holds_the_hash_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["keys", "new", "orders", "--roles", "produce, read", "--topics", "orders,user_*", "--rate", "1000/s"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    key = read_keys(printed)["orders"]
    (secret,) = (line.removeprefix("# ") for line in printed.splitlines() if line.startswith("# orders."))
    assert printed.count(secret) == 1
    assert key.hash.matches(secret)
    assert (key.roles, key.topics) == (frozenset({"produce", "read"}), ("orders", "user_*"))


def test_programs_get_block_and_secret_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "orders", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert read_keys(made["block"])["orders"].hash.matches(made["secret"])


def test_by_default_a_key_may_produce_to_every_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "orders"]) == 0
    key = read_keys(capsys.readouterr().out)["orders"]
    assert (key.roles, key.topics, key.bucket) == (frozenset({"produce"}), ("*",), None)


def test_what_is_wrong_is_named_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "new", "or ders", "--roles", "write", "--topics", "a b", "--rate", "x"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    for place in ("NAME", "roles", "topics", "rate"):
        assert f"- {place}: " in printed.err
