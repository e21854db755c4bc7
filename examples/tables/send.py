"""Sends every row of the tables to the service: one by one, then in batches.

python -m examples.tables.send http://127.0.0.1:3000
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from examples.tables.tables import TABLES, Table

CALLERS = 16
BATCH = 500
WAYS = ("single", "batch")
"""Keys begin with the way that their messages went."""
Message = Mapping[str, Any]


def messages(table: Table, way: str) -> Iterator[Message]:
    """The rows of `table` as bodies of POST /produce."""
    for row in table.rows():
        yield {"topic": table.topic, "key": f"{way}/{table.key_of(row)}", "payload": row}


def post(connection: HTTPConnection, path: str, document: object) -> Any:
    """The answer's document. Raises RuntimeError where it is not 200."""
    connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{path} was answered with {answer.status}: {body.decode()}")
    return json.loads(body)


class Sender:
    """Sends tables to the service at `url`."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc

    def _connect(self) -> closing[HTTPConnection]:
        return closing(HTTPConnection(self._host, timeout=60))

    def one_by_one(self, table: Table) -> int:
        """Each row in a request of its own, `CALLERS` at a time."""
        rows = list(messages(table, "single"))
        with ThreadPoolExecutor(CALLERS) as callers:
            return sum(callers.map(self._send_each, (rows[number::CALLERS] for number in range(CALLERS))))

    def _send_each(self, rows: Sequence[Message]) -> int:
        with self._connect() as connection:
            for row in rows:
                post(connection, "/produce", row)
        return len(rows)

    def in_batches(self, table: Table) -> int:
        """`BATCH` rows to a request."""
        rows = list(messages(table, "batch"))
        with self._connect() as connection:
            answers = [
                post(connection, "/produce/batch", {"messages": rows[first : first + BATCH]})
                for first in range(0, len(rows), BATCH)
            ]
        return sum(answer["delivered"] for answer in answers)


def send_all(url: str) -> int:
    """Everything, both ways; the number of messages delivered."""
    sender, total = Sender(url), 0
    for table in TABLES:
        for way, send in zip(WAYS, (sender.one_by_one, sender.in_batches), strict=True):
            started = time.monotonic()
            sent = send(table)
            total += sent
            print(f"{table.topic}: {sent} rows ({way}) in {time.monotonic() - started:.1f} s")
    return total


if __name__ == "__main__":
    print(f"{send_all(sys.argv[1])} messages are in Kafka")
