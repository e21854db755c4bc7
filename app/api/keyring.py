"""Who a request comes from, by the key it shows: each secret is hashed once and then remembered."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from app.api.calls import Call
from app.api.keys import SEPARATOR, ApiKey, KeysInvalid, read_keys
from app.api.problems import Refusal
from app.errors import ConfigurationError, Fault
from app.events import ApiKeysLoaded, LoopLagMeasured, Monitor, WarningRaised

SETTING = "HTTP_API_KEYS_FILE"
NOT_RELOADED = "api_keys_not_reloaded"
REMEMBERED = 10_000
MAX_VERIFYING = 32
"""Callers that wait for a hash at once; each takes about 50 ms of one thread."""
CHALLENGE = (
    (b"www-authenticate", b'Bearer realm="demijohn"'),
    (b"www-authenticate", b'Basic realm="demijohn", charset="UTF-8"'),
)
Fingerprint = tuple[int, int, int]


class KeyRing:
    """The keys of one file, read again when it changes. A file that cannot be read leaves the old keys in force."""

    def __init__(self, path: Path, monitor: Monitor) -> None:
        self._path = path
        self._monitor = monitor
        self._pepper = secrets.token_bytes(32)
        self._remembered: dict[bytes, ApiKey | None] = {}
        self._verifying = 0
        self._one_at_a_time = asyncio.Lock()
        self._seen = _fingerprint(path)
        try:
            self._keys: Mapping[str, ApiKey] = _read(path)
        except KeysInvalid as error:
            faults = [Fault(f"{SETTING} {fault.path}".strip(), fault.message) for fault in error.faults]
            raise ConfigurationError(faults) from None
        monitor.subscribe(LoopLagMeasured, self._second_passed)

    async def identify(self, call: Call) -> ApiKey:
        """The key that a request shows. Raises Refusal: unauthorized, overloaded."""
        headers = call.headers
        if b"authorization" not in headers and b"x-api-key" not in headers:
            raise unauthorized("This needs an API key: send it as Authorization: Bearer, or as X-API-Key")
        shown = b"%b\n%b" % (headers.get(b"x-api-key", b""), headers.get(b"authorization", b""))
        digest = hashlib.blake2b(shown, key=self._pepper, digest_size=32).digest()
        known = self._remembered.get(digest)
        if known is None and digest not in self._remembered:
            known = await self._verify(call, digest)
        if known is None:
            raise unauthorized("The API key is not valid")
        return known

    async def _verify(self, call: Call, digest: bytes) -> ApiKey | None:
        name, secret = shown_secret(call.headers)
        key = self._keys.get(name)
        if key is None:
            return None
        if self._verifying >= MAX_VERIFYING:
            raise Refusal("overloaded", "Too many API keys are being verified at once, try again later")
        self._verifying += 1
        try:
            async with self._one_at_a_time:
                matches = await asyncio.to_thread(key.hash.matches, secret)
        finally:
            self._verifying -= 1
        verdict = key if matches else None
        if self._keys.get(name) is key:
            self._remember(digest, verdict)
        return verdict

    def _remember(self, digest: bytes, verdict: ApiKey | None) -> None:
        """Of too many, the wrong ones are forgotten first: nobody can push out a key that is valid by guessing."""
        if len(self._remembered) >= REMEMBERED:
            right: dict[bytes, ApiKey | None] = {
                known: key for known, key in self._remembered.items() if key is not None
            }
            self._remembered = right if len(right) < REMEMBERED else {}
        self._remembered[digest] = verdict

    def _second_passed(self, _: LoopLagMeasured) -> None:
        seen = _fingerprint(self._path)
        if seen != self._seen:
            self._seen = seen
            self._read_again()

    def _read_again(self) -> None:
        try:
            keys = _read(self._path)
        except KeysInvalid as error:
            detail = f"{SETTING} {self._path} has changed and cannot be used, so the keys from before stay: {error}"
            self._monitor.emit(WarningRaised(NOT_RELOADED, detail))
            return
        self._keys = {name: _unchanged(self._keys.get(name), key) for name, key in keys.items()}
        self._remembered.clear()
        self._monitor.emit(ApiKeysLoaded(str(self._path), len(keys)))


def _unchanged(before: ApiKey | None, now: ApiKey) -> ApiKey:
    """The key from before, with what is left of its rate, where nothing of it has changed."""
    same_rate = before is not None and _rate_of(before) == _rate_of(now)
    return before if before is not None and same_rate and before == now else now


def _rate_of(key: ApiKey) -> object:
    return None if key.bucket is None else key.bucket.rate


def _read(path: Path) -> Mapping[str, ApiKey]:
    try:
        return read_keys(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise KeysInvalid([Fault("", f"cannot be read: {error}")]) from None


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def shown_secret(headers: Mapping[bytes, bytes]) -> tuple[str, str]:
    """(name of the key, secret) of a request's headers; two empty texts where they show none."""
    if given := headers.get(b"x-api-key", b"").strip():
        return _named(given)
    scheme, _, given = headers.get(b"authorization", b"").strip().partition(b" ")
    if scheme.lower() == b"basic":
        return _basic(given.strip())
    return _named(given.strip()) if scheme.lower() == b"bearer" else ("", "")


def _named(given: bytes) -> tuple[str, str]:
    """A secret begins with the name of its key."""
    secret = given.decode("latin-1")
    return secret.rpartition(SEPARATOR)[0], secret


def _basic(value: bytes) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def unauthorized(detail: str) -> Refusal:
    """401, with the ways in which a key may be shown."""
    return Refusal("unauthorized", detail, headers=CHALLENGE)
