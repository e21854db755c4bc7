"""Names of receipts."""

from __future__ import annotations

import re

from app.api.receipts import TOKENS_AT_ONCE, Receipts, Tokens


def test_names_are_random_and_never_given_twice() -> None:
    tokens = Tokens()
    given = [tokens.new() for _ in range(3 * TOKENS_AT_ONCE)]
    assert len(set(given)) == len(given)
    assert all(re.fullmatch(r"[0-9a-f]{20}", token) for token in given)
    assert not set(given) & {Tokens().new() for _ in range(10)}


def test_a_receipt_names_its_instance() -> None:
    assert Receipts("host:1:ab", 10, 60).new("t").id.startswith("host:1:ab~")
