"""API keys: what stands of them in the file, and how a new one is made.

The file holds no secret, only its scrypt hash; who reads it can call nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import orjson

from app.api.rates import Bucket, Rate, parse_rate
from app.errors import Fault

ROLES = ("produce", "read", "admin")
FIELDS = ("hash", "roles", "topics", "rate")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII).fullmatch
PATTERN = re.compile(r"[A-Za-z0-9._*?\[\]!-]+", re.ASCII).fullmatch
"""A shell-style pattern made of what names of topics are made of."""
HASH = re.compile(r"scrypt\$ln=(\d\d?),r=(\d\d?),p=(\d\d?)\$([\w-]+)\$([\w-]+)", re.ASCII).fullmatch
SEPARATOR = "."
COST = (14, 8, 1)
"""scrypt's log2(N), r and p: 16 MiB and about 50 ms, as RFC 7914 advises for logins."""
MAX_MEMORY_BYTES = 64 * 1024 * 1024
SECRET_BYTES = 32


class Hash(NamedTuple):
    """A salted scrypt hash and what it was made with."""

    cost: tuple[int, int, int]
    salt: bytes
    digest: bytes

    def matches(self, secret: str) -> bool:
        """Whether it is the hash of `secret`; compares in constant time. Takes about 50 ms."""
        return hmac.compare_digest(_scrypt(secret, self.salt, self.cost, len(self.digest)), self.digest)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `topics` are shell-style patterns of what may be produced to; `bucket` is there where it has a rate."""

    name: str
    hash: Hash = field(repr=False)
    roles: frozenset[str]
    topics: tuple[str, ...] = ("*",)
    bucket: Bucket | None = field(default=None, compare=False)

    def may_produce_to(self, topic: str) -> bool:
        """Whether a pattern of the key matches the whole name."""
        return any(fnmatchcase(topic, pattern) for pattern in self.topics)


class KeysInvalid(ValueError):
    """The file of API keys has faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def read_keys(text: str) -> Mapping[str, ApiKey]:
    """The keys of a file by name. Raises KeysInvalid with every fault."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KeysInvalid([Fault("", f"is not TOML: {error}")]) from None
    faults = [Fault(name, "is not known; a key is a table [keys.NAME]") for name in document if name != "keys"]
    tables = document.get("keys", {})
    if not isinstance(tables, dict):
        faults.append(Fault("keys", "must hold tables [keys.NAME]"))
        tables = {}
    for name, table in tables.items():
        faults += _faults(name, table)
    if faults:
        raise KeysInvalid(faults)
    return {name: _key(name, table) for name, table in tables.items()}


def _faults(name: str, table: Any) -> Iterator[Fault]:
    place = f"keys.{name}"
    if not NAME(name):
        yield Fault(place, "must have a name of 1 to 64 of A-Z a-z 0-9 _ -")
    if not isinstance(table, dict):
        yield Fault(place, "must be a table with hash and roles")
        return
    for unknown in table.keys() - set(FIELDS):
        yield Fault(f"{place}.{unknown}", f"is not known; known are {', '.join(FIELDS)}")
    try:
        _read_hash(table.get("hash"))
    except ValueError as error:
        yield Fault(f"{place}.hash", str(error))
    if not _is_list(table.get("roles")) or not set(table["roles"]) <= set(ROLES):
        yield Fault(f"{place}.roles", f"must be a list of {', '.join(ROLES)}")
    topics = table.get("topics", ["*"])
    if not _is_list(topics) or not all(PATTERN(pattern) for pattern in topics):
        yield Fault(f"{place}.topics", 'must be a list of topics or patterns, for example ["orders", "user_*"]')
    try:
        _rate(table)
    except ValueError as error:
        yield Fault(f"{place}.rate", str(error))


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _rate(table: Mapping[str, Any]) -> Rate | None:
    return parse_rate(str(table["rate"])) if "rate" in table else None


def _key(name: str, table: Mapping[str, Any]) -> ApiKey:
    rate = _rate(table)
    topics = tuple(table.get("topics", ("*",)))
    bucket = None if rate is None else Bucket(rate)
    return ApiKey(name, _read_hash(table["hash"]), frozenset(table["roles"]), topics, bucket)


def _read_hash(value: Any) -> Hash:
    match = HASH(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a hash as `demijohn keys new` prints it, scrypt$…")
    log_n, r, p = cost = int(match[1]), int(match[2]), int(match[3])
    if not (0 < log_n < 32 and r and p) or 128 * r * p * 2**log_n > MAX_MEMORY_BYTES:
        raise ValueError("costs nothing or too much: make a new key with `demijohn keys new`")
    try:
        found = Hash(cost, _decoded(match[4]), _decoded(match[5]))
    except ValueError:
        raise ValueError("is damaged: copy it again") from None
    if len(found.digest) < SECRET_BYTES or len(found.salt) < SECRET_BYTES // 2:
        raise ValueError("is not whole: copy it again")
    return found


def new_key(name: str, roles: Sequence[str], topics: Sequence[str], rate: str | None) -> tuple[str, str]:
    """(the block for the file, the secret) of a new key. Raises KeysInvalid."""
    secret = f"{name}{SEPARATOR}{secrets.token_urlsafe(SECRET_BYTES)}"
    salt = secrets.token_bytes(SECRET_BYTES // 2)
    log_n, r, p = COST
    digest = _scrypt(secret, salt, COST, SECRET_BYTES)
    table: dict[str, Any] = {
        "hash": f"scrypt$ln={log_n},r={r},p={p}${_encoded(salt)}${_encoded(digest)}",
        "roles": list(roles),
        "topics": list(topics),
    }
    if rate is not None:
        table["rate"] = rate
    if faults := list(_faults(name, table)):
        raise KeysInvalid(faults)
    lines = [f"[keys.{name}]", *(f"{field} = {orjson.dumps(value).decode()}" for field, value in table.items())]
    return "\n".join(lines) + "\n", secret


def _scrypt(secret: str, salt: bytes, cost: tuple[int, int, int], length: int) -> bytes:
    log_n, r, p = cost
    return hashlib.scrypt(
        secret.encode("utf-8"), salt=salt, n=2**log_n, r=r, p=p, maxmem=2 * MAX_MEMORY_BYTES, dklen=length
    )


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
