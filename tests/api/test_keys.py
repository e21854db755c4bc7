"""API keys in their file: made, read back, and every fault named."""

from __future__ import annotations

import tomllib

import pytest

from app.api.keys import KeysInvalid, new_key, read_keys

BLOCK, SECRET = new_key("orders", ["produce", "read"], ["orders", "user_*"], "1000/s")


def test_a_new_key_is_read_back_and_matches_its_secret_only() -> None:
    key = read_keys(BLOCK)["orders"]
    assert (key.roles, key.topics) == (frozenset({"produce", "read"}), ("orders", "user_*"))
    assert key.bucket is not None
    assert key.bucket.rate == (1000, 1)
    assert key.hash.matches(SECRET)
    assert not key.hash.matches(SECRET + "x")
    assert not key.hash.matches("")


def test_the_block_holds_no_secret_and_two_keys_share_nothing() -> None:
    assert SECRET not in BLOCK
    assert SECRET.partition(".")[2] not in BLOCK
    other_block, other_secret = new_key("orders", ["produce"], ["*"], None)
    assert other_secret != SECRET
    assert tomllib.loads(other_block)["keys"]["orders"]["hash"] != tomllib.loads(BLOCK)["keys"]["orders"]["hash"]


def test_a_key_does_not_print_its_hash() -> None:
    key = read_keys(BLOCK)["orders"]
    assert "digest" not in repr(key)


@pytest.mark.parametrize(
    ("topic", "may"),
    [("orders", True), ("orders2", False), ("user_", True), ("user_1", True), ("User_1", False), ("x.orders", False)],
)
def test_patterns_match_whole_names(topic: str, may: bool) -> None:
    assert read_keys(BLOCK)["orders"].may_produce_to(topic) is may


HASH = tomllib.loads(BLOCK)["keys"]["orders"]["hash"]
GOOD = f'hash = "{HASH}"\nroles = ["read"]\n'


def test_topics_and_rate_may_be_left_out() -> None:
    key = read_keys(f"[keys.a]\n{GOOD}")["a"]
    assert key.may_produce_to("anything")
    assert key.bucket is None
    assert read_keys("") == {}


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("keys = [", "", "TOML"),
        (f"[key.a]\n{GOOD}", "key", "keys.NAME"),
        ("keys = 1", "keys", "tables"),
        ("[keys]\na = 1", "keys.a", "table"),
        (f'[keys."a b"]\n{GOOD}', "keys.a b", "name"),
        (f"[keys.a]\n{GOOD}topic = ['x']", "keys.a.topic", "known are hash, roles, topics, rate"),
        ("[keys.a]\nroles = ['read']", "keys.a.hash", "keys new"),
        ("[keys.a]\nroles = ['read']\nhash = 'plain'", "keys.a.hash", "keys new"),
        ("[keys.a]\nroles = ['read']\nhash = 'scrypt$ln=31,r=8,p=1$AA$AA'", "keys.a.hash", "too much"),
        ("[keys.a]\nroles = ['read']\nhash = 'scrypt$ln=14,r=8,p=1$AAAAA$AA'", "keys.a.hash", "damaged"),
        ("[keys.a]\nroles = ['read']\nhash = 'scrypt$ln=14,r=8,p=1$AA$AA'", "keys.a.hash", "whole"),
        (f"[keys.a]\nhash = '{HASH}'", "keys.a.roles", "produce, read, admin"),
        (f"[keys.a]\nhash = '{HASH}'\nroles = []", "keys.a.roles", "produce, read, admin"),
        (f"[keys.a]\nhash = '{HASH}'\nroles = ['write']", "keys.a.roles", "produce, read, admin"),
        (f"[keys.a]\n{GOOD}topics = 'orders'", "keys.a.topics", "list"),
        (f"[keys.a]\n{GOOD}topics = ['a b']", "keys.a.topics", "patterns"),
        (f"[keys.a]\n{GOOD}rate = 'fast'", "keys.a.rate", "1000/s"),
        (f"[keys.a]\n{GOOD}rate = 5", "keys.a.rate", "1000/s"),
    ],
)
def test_every_fault_is_named_with_its_place(text: str, path: str, word: str) -> None:
    with pytest.raises(KeysInvalid, match=word) as raised:
        read_keys(text)
    assert [fault.path for fault in raised.value.faults] == [path]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(KeysInvalid) as raised:
        read_keys("[keys.a]\nroles = 1\n[keys.b]\nrate = ''")
    assert {fault.path for fault in raised.value.faults} == {
        "keys.a.hash",
        "keys.a.roles",
        "keys.b.hash",
        "keys.b.roles",
        "keys.b.rate",
    }
