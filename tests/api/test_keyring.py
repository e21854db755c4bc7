"""The key ring: remembers verified keys, follows its file, and is not worn out by guesses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.api import keyring
from app.api.calls import Call, RouteInfo
from app.api.keyring import KeyRing
from app.api.keys import Hash
from app.api.problems import Refusal
from app.errors import ConfigurationError
from app.events import ApiKeysLoaded, LoopLagMeasured, Monitor, WarningRaised
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.fakes import Heard


async def _receive() -> dict[str, Any]:
    raise NotImplementedError


def call(**headers: str) -> Call:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Call(RouteInfo("/produce"), {"method": "POST", "path": "/produce", "headers": raw}, _receive)


class Hashes:
    """Counts the hashes that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        matches = Hash.matches

        def counted(self_: Hash, secret: str) -> bool:
            self.made += 1
            return matches(self_, secret)

        monkeypatch.setattr(Hash, "matches", counted)


async def test_a_secret_is_hashed_once_right_or_wrong(key_file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file.write({"a": {}})
    ring, hashes = KeyRing(key_file.path, Monitor()), Hashes(monkeypatch)
    for _ in range(3):
        assert (await ring.identify(call(authorization=f"Bearer {key_file.secrets['a']}"))).name == "a"
        with pytest.raises(Refusal):
            await ring.identify(call(x_api_key="a.wrong"))
        with pytest.raises(Refusal):
            await ring.identify(call(x_api_key="nobody.wrong"))
    assert hashes.made == 2


async def test_what_is_remembered_is_bounded_and_guesses_push_out_no_key(
    key_file: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file.write({"a": {}})
    monkeypatch.setattr(keyring, "REMEMBERED", 10)
    ring, hashes = KeyRing(key_file.path, Monitor()), Hashes(monkeypatch)
    right = call(x_api_key=key_file.secrets["a"])
    await ring.identify(right)
    for number in range(25):
        with pytest.raises(Refusal):
            await ring.identify(call(x_api_key=f"a.{number}"))
    made = hashes.made
    await ring.identify(right)
    assert hashes.made == made
    for number in range(25):
        await ring.identify(call(authorization=f"Bearer {' ' * number}{key_file.secrets['a']}"))
    assert len(ring._remembered) <= 10


async def test_guesses_that_come_at_once_are_bounded(key_file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    key_file.write({"a": {}})
    monkeypatch.setattr(keyring, "MAX_VERIFYING", 3)
    ring = KeyRing(key_file.path, Monitor())
    guesses = [ring.identify(call(x_api_key=f"a.{number}")) for number in range(10)]
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    codes = sorted(answer.code for answer in answers if isinstance(answer, Refusal))
    assert codes == ["overloaded"] * 7 + ["unauthorized"] * 3


async def test_a_file_that_changes_is_read_again(key_file: KeyFile) -> None:
    key_file.write({"a": {}, "b": {}})
    heard = Heard(ApiKeysLoaded)
    ring = KeyRing(key_file.path, heard.monitor)
    before = dict(key_file.secrets)
    assert (await ring.identify(call(x_api_key=before["a"]))).name == "a"
    key_file.write({"b": {"roles": ["read"]}, "c": {}})
    assert (await ring.identify(call(x_api_key=before["a"]))).name == "a"
    heard.monitor.emit(LoopLagMeasured(0.1))
    assert heard.events == [ApiKeysLoaded(str(key_file.path), 2)]
    for gone in (before["a"], before["b"]):
        with pytest.raises(Refusal):
            await ring.identify(call(x_api_key=gone))
    assert (await ring.identify(call(x_api_key=key_file.secrets["b"]))).roles == {"read"}
    heard.monitor.emit(LoopLagMeasured(0.1))
    assert len(heard.events) == 1


@pytest.mark.parametrize("damage", ["keys = [", "[keys.a]\nroles = ['write']", None])
async def test_a_broken_new_file_keeps_the_old_keys_and_is_named(key_file: KeyFile, damage: str | None) -> None:
    key_file.write({"a": {}})
    heard = Heard(WarningRaised, ApiKeysLoaded)
    ring = KeyRing(key_file.path, heard.monitor)
    good = key_file.path.read_text()
    if damage is None:
        key_file.path.unlink()
    else:
        key_file.write_text(damage)
    for _ in range(2):
        heard.monitor.emit(LoopLagMeasured(0.1))
    (warning,) = heard.of(WarningRaised)
    assert warning.code == "api_keys_not_reloaded"
    assert str(key_file.path) in warning.detail
    assert (await ring.identify(call(x_api_key=key_file.secrets["a"]))).name == "a"
    key_file.write_text(good)
    heard.monitor.emit(LoopLagMeasured(0.1))
    assert len(heard.of(ApiKeysLoaded)) == 1


async def test_the_dashboard_shows_a_broken_file_until_it_is_mended(
    make_service: MakeService, key_file: KeyFile
) -> None:
    key_file.write({"a": {}})
    service = make_service(http_api_keys_file=str(key_file.path))

    def notes() -> list[str]:
        service.monitor.emit(LoopLagMeasured(0.1))
        return [note["code"] for note in service.snapshot.document()["service"]["notes"]]

    assert notes() == []
    key_file.write_text("keys = [")
    assert notes() == ["api_keys_not_reloaded"]
    key_file.write({"a": {}})
    assert notes() == []


async def test_a_key_that_has_not_changed_keeps_what_is_left_of_its_rate(key_file: KeyFile) -> None:
    key_file.write({"a": {"rate": "2/h"}})
    monitor = Monitor()
    ring = KeyRing(key_file.path, monitor)
    shown = call(x_api_key=key_file.secrets["a"])
    bucket = (await ring.identify(shown)).bucket
    key_file.write_text(key_file.path.read_text() + "\n# a comment\n")
    monitor.emit(LoopLagMeasured(0.1))
    assert (await ring.identify(shown)).bucket is bucket
    key_file.write_text(key_file.path.read_text().replace("2/h", "3/h"))
    monitor.emit(LoopLagMeasured(0.1))
    assert (await ring.identify(shown)).bucket is not bucket


def test_a_file_that_cannot_be_used_at_start_is_an_error(key_file: KeyFile) -> None:
    with pytest.raises(ConfigurationError, match="HTTP_API_KEYS_FILE: cannot be read"):
        KeyRing(key_file.path, Monitor())
    key_file.write_text("[keys.a]\nrate = 'x'")
    with pytest.raises(ConfigurationError, match=r"HTTP_API_KEYS_FILE keys\.a\.rate: 'x' is no rate"):
        KeyRing(key_file.path, Monitor())
