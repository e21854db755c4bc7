"""Sends every row of the tables to the service: one by one, then in batches.

python -m examples.tables.send http://127.0.0.1:3000
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx

from examples.tables.tables import TABLES, Table

CALLERS = 16
BATCH = 500
WAYS = ("single", "batch")
"""Keys begin with the way that their messages went."""


def messages(table: Table, way: str) -> Iterator[dict[str, Any]]:
    """The rows of `table` as bodies of POST /produce."""
    for row in table.rows():
        yield {"topic": table.topic, "key": f"{way}/{table.key_of(row)}", "payload": row}


async def send_one_by_one(client: httpx.AsyncClient, table: Table) -> int:
    """Each row in a request of its own, `CALLERS` at a time. Raises httpx.HTTPStatusError where one fails."""
    rows = messages(table, "single")

    async def call() -> int:
        sent = 0
        for message in rows:
            (await client.post("/produce", json=message)).raise_for_status()
            sent += 1
        return sent

    return sum(await asyncio.gather(*(call() for _ in range(CALLERS))))


async def send_in_batches(client: httpx.AsyncClient, table: Table) -> int:
    """`BATCH` rows to a request. Raises httpx.HTTPStatusError where one fails."""
    rows, sent = messages(table, "batch"), 0
    while batch := list(islice(rows, BATCH)):
        answer = (await client.post("/produce/batch", json={"messages": batch})).raise_for_status().json()
        sent += answer["delivered"]
    return sent


async def send_all(url: str) -> int:
    """Everything, both ways; the number of messages delivered."""
    total = 0
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        for table in TABLES:
            for way, send in zip(WAYS, (send_one_by_one, send_in_batches), strict=True):
                started = time.monotonic()
                sent = await send(client, table)
                total += sent
                print(f"{table.topic}: {sent} rows ({way}) in {time.monotonic() - started:.1f} s")
    return total


if __name__ == "__main__":
    print(f"{asyncio.run(send_all(sys.argv[1]))} messages are in Kafka")
