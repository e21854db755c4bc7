"""A load generator that costs little: prepared requests over raw sockets, one in flight on each connection."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any, cast

import uvloop


class Connection(asyncio.Protocol):
    """Sends one request after the other, and notes how long each answer took."""

    def __init__(self, request: bytes, requests: int, took_s: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._left = requests
        self._took_s = took_s
        self._transport: asyncio.WriteTransport
        self._sent_at = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not complete(self._buffer):
            return
        if not self._buffer.startswith(b"HTTP/1.1 2"):
            self.done.set_exception(RuntimeError(self._buffer[:500].decode()))
            self._transport.close()
            return
        self._buffer = b""
        self._took_s.append(time.perf_counter() - self._sent_at)
        self._left -= 1
        if self._left:
            self._send()
        else:
            self._transport.close()
            self.done.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the server closed the connection"))


def complete(answer: bytes) -> bool:
    """Whether a whole answer has come."""
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    lowered = head.lower()
    start = lowered.find(b"content-length:")
    if start < 0:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(lowered[start + 15 :].split(b"\r\n", 1)[0])


def request_of(order: dict[str, Any]) -> bytes:
    """The request that an order (port, path, body) repeats."""
    body = order["body"].encode()
    head = (
        f"POST {order['path']} HTTP/1.1\r\nhost: 127.0.0.1:{order['port']}\r\nuser-agent: load\r\naccept: */*\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def drive(order: dict[str, Any]) -> dict[str, float]:
    """Carries out an order: port, path, body, connections, requests (in all)."""
    request = request_of(order)
    connections, each = order["connections"], max(1, order["requests"] // order["connections"])
    await _round(order["port"], request, connections, max(1, each // 10))
    took_s: list[float] = []
    started = time.perf_counter()
    took_s = await _round(order["port"], request, connections, each)
    elapsed_s = time.perf_counter() - started
    took_s.sort()
    return {
        "requests": len(took_s) * 1.1,
        "per_s": len(took_s) / elapsed_s,
        "p50_ms": took_s[len(took_s) // 2] * 1000,
        "p99_ms": took_s[len(took_s) * 99 // 100] * 1000,
    }


async def _round(port: int, request: bytes, connections: int, each: int) -> list[float]:
    took_s: list[float] = []
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(request, each, took_s), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in made))
    return took_s


if __name__ == "__main__":
    print(json.dumps(uvloop.run(drive(json.loads(sys.argv[1])))))
