"""Content codings: what is undone, what is refused, and that a bomb costs no memory."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from app.api.encodings import PIECE_BYTES, Inflater, inflater
from app.api.problems import Refusal
from tests.api.conftest import MakeService
from tests.api.service import Service

MESSAGE = b'{"topic":"example","payload":"' + b"x" * 300_000 + b'"}'
MIB = 1024 * 1024
APPLY: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "identity": bytes,
}
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"


def coded(body: bytes, *names: str) -> bytes:
    for name in names:
        body = APPLY[name](body)
    return body


def undone(inflating: Inflater, *chunks: bytes) -> bytes:
    pieces = [piece for chunk in chunks for piece in inflating.feed(chunk)]
    inflating.finish()
    return b"".join(pieces)


def made(names: str) -> Inflater:
    inflating = inflater(names.encode())
    assert inflating is not None
    return inflating


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("gzip", ["gzip"]),
        ("GZip", ["gzip"]),
        ("x-gzip", ["gzip"]),
        ("deflate", ["deflate"]),
        ("zstd", ["zstd"]),
        ("identity", []),
        ("", []),
        ("gzip, zstd", ["gzip", "zstd"]),
        ("deflate,identity , gzip", ["deflate", "gzip"]),
    ],
)
async def test_a_body_is_taken_in_every_coding_and_row_of_codings(
    either: Service, header: str, names: list[str]
) -> None:
    body = coded(MESSAGE, *names)
    response = await either.http.post("/produce", content=body, headers={"content-encoding": header})
    assert response.status_code == 200, response.text
    assert either.kafka.records("example")[0].value == b'"' + b"x" * 300_000 + b'"'


async def test_a_batch_may_be_coded_too(either: Service) -> None:
    body = coded(b'{"messages":[{"topic":"example","payload":1}]}', "zstd")
    response = await either.http.post("/produce/batch", content=body, headers={"content-encoding": "zstd"})
    assert response.status_code == 200


@pytest.mark.parametrize("header", ["br", "gzip, br", "zip", "gzip;q=1", "\xff", "gzip,gzip,gzip,gzip,gzip"])
async def test_an_unknown_coding_is_415_and_says_which_are_known(either: Service, header: str) -> None:
    headers = {b"content-encoding": header.encode("latin-1")}
    response = await either.http.post("/produce", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_encoding")
    assert response.headers["accept-encoding"] == "gzip, deflate, zstd"


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "plain", "flipped", "followed"])
async def test_a_body_that_is_not_what_it_says_is_400(either: Service, name: str, damage: str) -> None:
    body = coded(MESSAGE, name)
    damaged = {
        "cut": body[:-5],
        "plain": MESSAGE,
        "flipped": body[:-6] + bytes([body[-6] ^ 0xFF]) + body[-5:],
        "followed": body + b"rest",
    }[damage]
    if (name, damage) == ("zstd", "flipped"):
        damaged = b"\x29" + body[1:]
    response = await either.http.post("/produce", content=damaged, headers={"content-encoding": name})
    assert (response.status_code, response.json()["code"]) == (400, "corrupt_encoding"), response.text
    assert either.kafka.records("example") == []


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd", "gzip, zstd"])
@pytest.mark.parametrize("path", ["/produce", "/produce/batch", "/produce/example"])
async def test_no_body_at_all_is_not_what_it_says_either(either: Service, path: str, name: str) -> None:
    response = await either.http.post(path, content=b"", headers={"content-encoding": name})
    assert (response.status_code, response.json()["code"]) == (400, "corrupt_encoding"), response.text
    empty = coded(b"", *name.split(", "))
    if path == "/produce/example":
        assert (await either.http.post(path, content=empty, headers={"content-encoding": name})).status_code == 200
        assert either.kafka.records("example")[0].value == b""


@pytest.mark.parametrize("chunks", [1, 64])
@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
async def test_a_bomb_is_413_before_all_of_it_is_read_and_costs_no_memory(
    make_service: MakeService, name: str, chunks: int
) -> None:
    service = make_service(http_max_body_bytes=MIB)
    bomb = coded(bytes(64 * MIB), name)
    chunk = max(1, len(bomb) // chunks)
    read = 0

    async def slowly() -> AsyncIterator[bytes]:
        nonlocal read
        for start in range(0, len(bomb), chunk):
            read += 1
            yield bomb[start : start + chunk]

    tracemalloc.start()
    response = await service.http.post("/produce", content=slowly(), headers={"content-encoding": name})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert read <= max(1, chunks // 2)
    assert peak < 4 * MIB
    assert service.application.admission.size_bytes == 0


async def test_what_is_sent_may_not_be_larger_than_the_limit_either(make_service: MakeService) -> None:
    service = make_service(http_max_body_bytes=1000)

    async def empty_members() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield gzip.compress(b"")

    response = await service.http.post("/produce", content=empty_members(), headers={"content-encoding": "gzip"})
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_members_and_frames_in_a_row_are_one_body(name: str) -> None:
    assert undone(made(name), coded(b"one", name) + coded(b"", name), coded(b"two", name)) == b"onetwo"


def test_skippable_frames_of_zstd_are_skipped() -> None:
    assert undone(made("zstd"), SKIPPABLE + coded(b"one", "zstd") + SKIPPABLE) == b"one"


def test_a_window_that_senders_may_not_use_is_refused() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.content_size_flag: 0}
    compressor = zstd.ZstdCompressor(options=options)
    body = compressor.compress(b"x" * 1000) + compressor.flush()
    with pytest.raises(Refusal) as raised:
        undone(made("zstd"), body)
    assert raised.value.code == "corrupt_encoding"


@given(st.lists(st.sampled_from(["gzip", "deflate", "zstd"]), max_size=4), st.binary(), st.integers(1, 50))
def test_codings_are_undone_whatever_the_chunks(names: list[str], body: bytes, size: int) -> None:
    data = coded(body, *names)
    inflating = inflater(", ".join(names).encode())
    if inflating is None:
        assert names == []
        return
    assert undone(inflating, *(data[at : at + size] for at in range(0, len(data), size))) == body


@given(st.sampled_from(["gzip", "deflate", "zstd"]), st.binary())
def test_no_bytes_whatever_are_a_mistake_of_ours(name: str, data: bytes) -> None:
    with contextlib.suppress(Refusal):
        undone(made(name), data)


@pytest.mark.parametrize("name", ["gzip", "deflate", "zstd"])
def test_pieces_are_small(name: str) -> None:
    assert max(map(len, made(name).feed(coded(bytes(MIB), name)))) <= PIECE_BYTES
