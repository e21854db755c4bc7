"""Draws docs/diagrams/*.svg, the pictures of docs/concepts. `make docs` runs it.

A picture is data: boxes, arrows and words on a grid of 20 pixels. Its colours follow the reader's theme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Literal, NamedTuple

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "diagrams"
GRID = 20
LETTER = 7.2
"""Width of a letter of the words in boxes, in pixels, at most."""
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.small { font-size: 11px; fill: #59636e; }
.box { fill: #f6f8fa; stroke: #818b98; }
.own { fill: #ddf4ff; stroke: #0969da; }
.good { fill: #dafbe1; stroke: #1a7f37; }
.bad { fill: #ffebe9; stroke: #d1242f; }
.idle { fill: none; stroke: #818b98; stroke-dasharray: 4 3; }
.line { stroke: #59636e; fill: none; stroke-width: 1.5; }
.tip { fill: #59636e; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small { fill: #9198a1; }
  .box { fill: #212830; stroke: #656c76; }
  .own { fill: #0c2d4d; stroke: #4493f8; }
  .good { fill: #0f3a20; stroke: #3fb950; }
  .bad { fill: #4a1a1c; stroke: #f85149; }
  .idle { stroke: #656c76; }
  .line { stroke: #9198a1; }
  .tip { fill: #9198a1; }
}
"""
Kind = Literal["box", "own", "good", "bad", "idle"]


class Box(NamedTuple):
    """Words in a frame. Places and sizes are in units of the grid."""

    x: float
    y: float
    width: float
    height: float
    words: str
    kind: Kind = "box"
    at_top: bool = False


class Words(NamedTuple):
    """Words that begin at a place."""

    x: float
    y: float
    words: str


class Arrow(NamedTuple):
    """From one place to another."""

    x1: float
    y1: float
    x2: float
    y2: float


Part = Box | Words | Arrow


class Picture(NamedTuple):
    """`title` and `text` are for those who cannot see it."""

    title: str
    text: str
    width: float
    height: float
    parts: tuple[Part, ...]


def svg(picture: Picture) -> str:
    """The picture as a file."""
    width, height = picture.width * GRID, picture.height * GRID
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-labelledby="t d">'
    )
    words = f'<title id="t">{escape(picture.title)}</title>\n<desc id="d">{escape(picture.text)}</desc>'
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>'
    )
    body = "\n".join(line for part in picture.parts for line in _drawn(part))
    return f"{head}\n{words}\n<style>{STYLE}</style>\n{tip}\n{body}\n</svg>\n"


def _drawn(part: Part) -> Iterator[str]:
    if isinstance(part, Box):
        yield from _box(part)
    elif isinstance(part, Words):
        yield f'<text class="small" x="{part.x * GRID:g}" y="{part.y * GRID:g}">{escape(part.words)}</text>'
    else:
        x1, y1, x2, y2 = (value * GRID for value in part)
        yield f'<path class="line" d="M{x1:g} {y1:g} L{x2:g} {y2:g}" marker-end="url(#tip)"/>'


def _box(box: Box) -> Iterator[str]:
    x, y, width, height = box.x * GRID, box.y * GRID, box.width * GRID, box.height * GRID
    yield f'<rect class="{box.kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"/>'
    lines = box.words.split("\n")
    first = y + 16 if box.at_top else y + height / 2 + 5 - 8 * (len(lines) - 1)
    for number, line in enumerate(lines):
        place = f'x="{x + width / 2:g}" y="{first + 16 * number:g}"'
        yield f'<text {place} text-anchor="middle">{escape(line)}</text>'


def too_wide(picture: Picture) -> list[str]:
    """Words that do not fit into their box, or stand out of the picture."""
    wrong = [
        line
        for part in picture.parts
        if isinstance(part, Box)
        for line in part.words.split("\n")
        if len(line) * LETTER > part.width * GRID
    ]
    wrong += [
        part.words
        for part in picture.parts
        if isinstance(part, Words) and part.x * GRID + len(part.words) * LETTER * 0.85 > picture.width * GRID
    ]
    return wrong


def _cells(x: float, y: float, labels: Iterable[str], kind: Kind = "box") -> tuple[Box, ...]:
    return tuple(Box(x + 2 * number, y, 2, 1.4, label, kind) for number, label in enumerate(labels))


def cluster() -> Picture:
    broker = tuple(Box(13, 1 + 3.4 * n, 8, 2.6, f"broker {n + 1}\nbroker-{n + 1}:9092") for n in range(3))
    parts = (
        Box(1, 1, 8, 2.4, "producer", "own"),
        Box(1, 8, 8, 2.4, "consumer", "own"),
        *broker,
        Arrow(9, 2.2, 13, 2.2),
        Words(1, 4.4, "1. asks any broker"),
        Words(1, 5.2, "where everything is"),
        Arrow(9, 2.8, 13, 5.4),
        Arrow(13, 8.8, 9, 9),
        Words(1, 11.6, "2. then goes to the address that each broker advertises: advertised.listeners"),
    )
    text = (
        "A producer and a consumer ask any of three brokers and then talk to the addresses that the brokers advertise."
    )
    return Picture("Brokers and a cluster", text, 30, 12.4, parts)


def topic() -> Picture:
    parts = (
        Box(0.5, 0.5, 29, 8.4, "topic payments", "idle", at_top=True),
        *(Words(1, 2.9 + 2.2 * n, f"partition {n}") for n in range(3)),
        *_cells(6, 2, "01234567"),
        *_cells(6, 4.2, "01234"),
        *_cells(6, 6.4, "012345"),
        *_cells(16, 4.2, ["5"], "good"),
        Words(18.4, 5.1, "the next record goes to the end"),
        Words(0.5, 10, "a record keeps its number, the offset; order is promised inside a partition only"),
    )
    text = (
        "A topic has three partitions; each is a row of records with rising offsets, and new ones are added at the end."
    )
    return Picture("Topic, partition, offset", text, 30, 10.6, parts)


def replicas() -> Picture:
    parts = (
        Box(0.5, 1, 6, 2.2, "producer", "own"),
        Box(10, 0.5, 9, 3.2, "broker 1: leader\nof payments-0", "good"),
        Box(10, 5, 9, 3.2, "broker 2: follower\nin sync", "good"),
        Box(20.5, 5, 9, 3.2, "broker 3: follower\nis behind", "bad"),
        Arrow(6.5, 1.8, 10, 1.8),
        Arrow(14.5, 3.7, 14.5, 5),
        Arrow(18, 3.7, 22.5, 5),
        Arrow(10, 2.7, 6.5, 2.7),
        Words(0.5, 5.6, "acks=all: the answer comes"),
        Words(0.5, 6.4, "when all replicas in sync"),
        Words(0.5, 7.2, "have the record, and these"),
        Words(0.5, 8, "are min.insync.replicas"),
        Words(20.5, 1.9, "if the leader fails, one of those"),
        Words(20.5, 2.7, "in sync takes its place"),
    )
    text = "The leader takes a record, one follower has it too, one is behind; acks=all waits for those in sync."
    return Picture("Leader, followers, in-sync replicas", text, 31, 9, parts)


def quorum() -> Picture:
    parts = (
        Box(0.5, 0.5, 13.5, 6.6, "before Kafka 4: ZooKeeper", "idle", at_top=True),
        *(Box(1.2 + 4.2 * n, 2, 3.7, 1.6, "broker") for n in range(3)),
        Box(3.5, 5, 7.5, 1.6, "ZooKeeper", "bad"),
        *(Arrow(3 + 4.2 * n, 3.6, 5.5 + 1.6 * n, 5) for n in range(3)),
        Box(15.5, 0.5, 13.5, 6.6, "Kafka 4: KRaft", "idle", at_top=True),
        *(Box(16.2 + 4.2 * n, 2, 3.7, 1.6, "broker") for n in range(3)),
        *(Box(16.2 + 4.2 * n, 5, 3.7, 1.6, "controller", "good") for n in range(3)),
        *(Arrow(18 + 4.2 * n, 5, 18 + 4.2 * n, 3.6) for n in range(3)),
        Words(0.5, 8.2, "one of the controllers leads; the others have the same log of what there is, and take over"),
    )
    text = "Brokers once kept what there is in ZooKeeper; now a quorum of controllers keeps it in a log of Kafka's own."
    return Picture("KRaft, and the ZooKeeper that it replaced", text, 29.5, 8.8, parts)


def groups() -> Picture:
    def case(x: float, title: str, consumers: int) -> tuple[Part, ...]:
        owners = [min(n * consumers // 3, consumers - 1) if consumers < 3 else n for n in range(3)]
        return (
            Words(x, 1, title),
            *(Box(x, 1.6 + 2.2 * n, 3.4, 1.5, f"p{n}") for n in range(3)),
            *(Box(x + 5.4, 1.6 + 2.2 * n, 3.4, 1.5, f"c{n}", "own" if n < 3 else "idle") for n in range(consumers)),
            *(Arrow(x + 3.4, 2.35 + 2.2 * n, x + 5.4, 2.35 + 2.2 * owners[n]) for n in range(3)),
        )

    parts = (
        *case(0.5, "fewer consumers", 2),
        *case(11, "as many", 3),
        *case(21.5, "more: one has nothing", 4),
        Words(
            0.5, 11.2, "p: partition, c: consumer of one group; a partition has one consumer, a consumer may have many"
        ),
    )
    text = "With two consumers one has two of three partitions; with three each has one; of four one has none."
    return Picture("Consumer groups", text, 31, 11.8, parts)


def rebalance() -> Picture:
    parts = (
        Box(0.5, 0.5, 7, 1.8, "c0 has p0 p1 p2", "own"),
        Box(9.5, 0.5, 8, 1.8, "c1 joins", "good"),
        Box(0.5, 3.4, 7, 1.8, "c0 ends its jobs", "own"),
        Box(9.5, 3.4, 8, 1.8, "and commits", "own"),
        Box(0.5, 6.3, 7, 1.8, "c0 has p0 p1", "own"),
        Box(9.5, 6.3, 8, 1.8, "c1 has p2", "good"),
        Arrow(4, 2.3, 4, 3.4),
        Arrow(13.5, 2.3, 13.5, 3.4),
        Arrow(4, 5.2, 4, 6.3),
        Arrow(13.5, 5.2, 13.5, 6.3),
        Words(19, 1.6, "the group's coordinator, a broker,"),
        Words(19, 2.4, "tells all members to give back"),
        Words(19, 4.5, "CONSUMER_DRAIN_MS at most"),
        Words(19, 7.4, "c1 goes on at what was committed"),
    )
    text = "A second consumer joins: the first ends its jobs and commits, then the partitions are shared anew."
    return Picture("A rebalance", text, 31, 8.6, parts)


def verdicts() -> Picture:
    parts = (
        Box(0.5, 3, 6, 2, "message", "own"),
        Box(10, 0.5, 8.5, 2, "delivered", "good"),
        Box(10, 3, 8.5, 2, "failed", "bad"),
        Box(10, 5.5, 8.5, 2, "unknown"),
        Arrow(6.5, 3.6, 10, 1.6),
        Arrow(6.5, 4, 10, 4),
        Arrow(6.5, 4.4, 10, 6.4),
        Words(19, 1.7, "Kafka has it, at this offset"),
        Words(19, 4.2, "Kafka certainly has not: send again"),
        Words(19, 6.7, "Kafka did not answer: it may have it"),
    )
    text = "A message gets one of three verdicts: delivered, failed, which is certain, or unknown."
    return Picture("Verdicts", text, 31, 8, parts)


def shutdown() -> Picture:
    steps = ("quieting", "quiet", "stopping", "stopped")
    texts = (
        "consumers begin nothing new; jobs end, offsets are committed; HTTP still answers",
        "groups are left, so that others take over at once",
        "new calls get 503 draining; what is in flight is answered; the producer flushes",
        "all within SHUTDOWN_TIMEOUT_S; the exit code says whether anything was cut",
    )
    parts: list[Part] = [
        Box(0.5, 0.5 + 2.4 * n, 6, 1.6, step, "good" if n == 3 else "own") for n, step in enumerate(steps)
    ]
    parts += [Arrow(3.5, 2.1 + 2.4 * n, 3.5, 2.9 + 2.4 * n) for n in range(3)]
    parts += [Words(7.5, 1.5 + 2.4 * n, text) for n, text in enumerate(texts)]
    text = "SIGTERM leads from quieting over quiet and stopping to stopped, with everything pending flushed."
    return Picture("Stopping", text, 33, 9.8, tuple(parts))


def dead_letters() -> Picture:
    parts = (
        Box(0.5, 0.5, 7, 2, "payments-0", "box"),
        Box(11, 0.5, 7, 2, "consume", "own"),
        Box(22, 0.5, 7.5, 2, "offset committed", "good"),
        Box(11, 5, 7, 2, "payments.dlq", "bad"),
        Arrow(7.5, 1.5, 11, 1.5),
        Arrow(18, 1.5, 22, 1.5),
        Arrow(14.5, 2.5, 14.5, 5),
        Arrow(11, 6, 4, 2.5),
        Words(15, 3.6, "after max_retries, with growing pauses: the guilty record alone"),
        Words(0.5, 5.2, "redrive, once"),
        Words(19, 5.8, "key, payload and headers as they were,"),
        Words(19, 6.6, "and headers that say where from and why"),
    )
    text = "A record that keeps failing goes to the DLQ with headers that say why; a redrive sends it back once."
    return Picture("Retries and dead letters", text, 36, 7.6, parts)


def lag() -> Picture:
    parts = (
        *_cells(0.5, 2, "01234", "good"),
        *_cells(10.5, 2, "567", "own"),
        *_cells(16.5, 2, ["8", "9"]),
        Arrow(10.5, 4.6, 10.5, 3.5),
        Arrow(20.5, 4.6, 20.5, 3.5),
        Words(8.4, 5.4, "committed: 5"),
        Words(18.6, 5.4, "end: 10"),
        Words(0.5, 1.2, "done"),
        Words(10.5, 1.2, "in work"),
        Words(16.5, 1.2, "not fetched"),
        Words(0.5, 7, "lag: 10 - 5 = 5 records; in seconds: the age of the oldest record that is not done"),
    )
    text = (
        "Committed is 5, the end is 10: a lag of five records; in seconds it is the age of the oldest that is not done."
    )
    return Picture("Lag", text, 28, 7.6, parts)


DRAWINGS: dict[str, Callable[[], Picture]] = {
    "cluster": cluster,
    "topic": topic,
    "replicas": replicas,
    "quorum": quorum,
    "groups": groups,
    "rebalance": rebalance,
    "verdicts": verdicts,
    "shutdown": shutdown,
    "dead-letters": dead_letters,
    "lag": lag,
}

if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        (PICTURES / f"{name}.svg").write_text(svg(draw()))
