"""The overview as plain HTML, for browsers: the same snapshot as the JSON, without any script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.dashboard.markup import (
    Html,
    chip,
    counted,
    document,
    duration,
    join,
    number,
    page_header,
    size,
    table,
    tag,
    text,
    tile,
)
from app.dashboard.plain import HOW_TO_BUILD

Snapshot = dict[str, Any]
REFRESH_S = ("2", "5", "10", "off")
PARTITION_COLUMNS = (
    ("Partition", False),
    ("Consumer", False),
    ("State", False),
    ("Committed", True),
    ("End", True),
    ("Lag", True),
    ("Behind", True),
    ("Note", False),
)
ROWS_SHOWN = 500


def overview(snapshot: Snapshot, refresh: str) -> bytes:
    """The page. `refresh` is one of REFRESH_S: how many seconds until the browser asks again."""
    head = Html("") if refresh == "off" else Html(f'<meta http-equiv="refresh" content="{text(refresh)}">')
    service = snapshot["service"]
    why = " · ".join(reason["detail"] for reason in service["reasons"])
    return document(
        "Overview",
        head,
        page_header("Overview", chip(service["health"]), tag("span", why, class_="why")),
        tag("main", *_sections(snapshot, refresh)),
    )


def _sections(snapshot: Snapshot, refresh: str) -> Iterator[Html]:
    yield tag("div", tag("h1", "Overview"), _refresh_picker(refresh), class_="head")
    yield from _remarks(snapshot["service"])
    yield tag("section", *_tiles(snapshot), class_="tiles", aria_label="Now")
    for group in snapshot["consume"]["groups"]:
        yield _group(group)
    yield _errors(snapshot["errors"])
    yield _dead_letters(snapshot["dead_letters"])
    yield _produce(snapshot["produce"])
    yield _footer(snapshot)


def _refresh_picker(chosen: str) -> Html:
    links = []
    for choice in REFRESH_S:
        name = "Off" if choice == "off" else f"{choice} s"
        current = {"aria_current": "true"} if choice == chosen else {}
        links.append(tag("a", name, href=f"/dashboard?refresh={choice}", **current))
    return tag("nav", "Refresh", *links, class_="picker", aria_label="Refresh")


def _remarks(service: Snapshot) -> Iterator[Html]:
    remarks = [
        *(
            tag("li", tag("b", reason["code"]), f" {reason['detail']}, since {reason['since'] or 'the start'}")
            for reason in service["reasons"]
        ),
        *(tag("li", tag("b", note["code"]), f" {note['detail']}") for note in service["notes"]),
    ]
    if remarks:
        yield tag("ul", *remarks, class_="panel remarks")


def _tiles(snapshot: Snapshot) -> Iterator[Html]:
    produce, consume = snapshot["produce"], snapshot["consume"]
    totals = consume["totals"]
    rows = [row for group in consume["groups"] for row in group["partitions"]]
    retrying = [row for row in rows if row["state"] == "retrying"]
    ack_p99, consume_p99 = produce["ack_ms"]["p99"], consume["consume_ms"]["p99"]
    yield tile(
        "Produced", number(produce["per_s"]["delivered"], 1), "/s", f"p99 {number(ack_p99, 1)} ms to acknowledge"
    )
    yield tile("Consumed", number(consume["per_s"]["messages"], 1), "/s", f"p99 {number(consume_p99, 1)} ms a batch")
    yield tile("Lag", number(consume["lag"]), "records", f"{duration(consume['lag_s'])} behind")
    yield tile("Errors", number(totals["errors"]), "since start", f"{number(totals['retries'])} retries")
    next_retry = f"{retrying[0]['topic']}-{retrying[0]['partition']}" if retrying else "none"
    yield tile("Waiting to retry", number(len(retrying)), "partitions", next_retry)
    yield tile(
        "Dead letters", number(totals["dead"]), "since start", counted(len(snapshot["dead_letters"]), "DLQ topic")
    )


def _group(group: Snapshot) -> Html:
    rows = group["partitions"]
    caption = join(
        [
            text(f"Group {group['name']} "),
            chip(group["state"]),
            tag(
                "small",
                f" {counted(len(rows), 'partition')} · {counted(group['rebalances'], 'rebalance')}"
                f" · polled {_ago(group['last_poll_s'])} · committed {_ago(group['last_commit_s'])}",
            ),
        ]
    )
    shown = [_partition(row) for row in rows[:ROWS_SHOWN]]
    return table(caption, PARTITION_COLUMNS, shown, "No partition is assigned to this instance.")


def _partition(row: Snapshot) -> tuple[Any, ...]:
    return (
        tag("b", f"{row['topic']}-{row['partition']}"),
        row["consumer"] or "–",
        chip(row["state"]),
        number(row["committed"]),
        number(row["end"]),
        number(row["lag"]),
        duration(row["lag_s"]),
        _note(row),
    )


def _note(row: Snapshot) -> str:
    if row["state"] == "retrying":
        return f"attempt {row['attempt']}, next at {row['next_retry_at'] or '–'}"
    if row["job_running_s"] is not None:
        return f"job runs for {duration(row['job_running_s'])}"
    return ""


def _errors(errors: list[Snapshot]) -> Html:
    columns = (("Last", False), ("Where", False), ("Error", False), ("Count", True))
    rows = [
        (error["at"], _place(error), join([tag("b", error["class"]), text(f" {error['message']}")]), error["count"])
        for error in errors
    ]
    return table(text("Errors"), columns, rows, "None so far.")


def _place(error: Snapshot) -> str:
    if error["topic"] is None:
        return str(error["kind"])
    partition = "" if error["partition"] is None else f"-{error['partition']}"
    offset = "" if error["offset"] is None else f" at {error['offset']}"
    return f"{error['kind']} {error['topic']}{partition}{offset}"


def _dead_letters(dead_letters: list[Snapshot]) -> Html:
    columns = (("DLQ topic", False), ("Dispatched", True), ("Last", False))
    rows = [(entry["topic"], number(entry["dispatched"]), entry["last_at"]) for entry in dead_letters]
    return table(text("Dead letters"), columns, rows, "None so far.")


def _produce(produce: Snapshot) -> Html:
    columns = (("Messages", False), ("Count", True))
    rows: list[tuple[Any, Any]] = [(chip(name), number(produce[name])) for name in ("delivered", "failed", "unknown")]
    rows += [(code, number(count)) for code, count in sorted(produce["by_code"].items())]
    rows.append(("in flight", f"{number(produce['in_flight'])} of {number(produce['in_flight_limit'])}"))
    queue = produce["queue"]
    rows.append(("queued", f"{number(queue['messages'])} of {number(queue['limit'])}, {size(queue['bytes'])}"))
    rows += [(f"receipts {status}", number(count)) for status, count in produce["receipts"].items()]
    return table(text("Produce"), columns, rows, "Nothing yet.")


def _footer(snapshot: Snapshot) -> Html:
    service, broker, process = snapshot["service"], snapshot["broker"], snapshot["process"]
    kind = f"embedded {broker['kind']}" if service["embedded_broker"] else broker["kind"]
    reachable = {True: "reachable", False: "not reachable", None: "not asked yet"}[broker["reachable"]]
    facts = (
        f"{service['name']} {service['version']}, {service['instance']}",
        f"{service['state']} for {duration(service['uptime_s'])}",
        f"broker: {kind}, {reachable}",
        f"memory {size(process['rss_bytes'])}",
        f"loop lag {number(process['loop_lag_ms'], 1)} ms",
        f"made at {snapshot['generated_at']}",
    )
    note = f"This is the plain page. {HOW_TO_BUILD} The same data as JSON: ask for application/json here."
    return tag("footer", *(tag("span", fact) for fact in facts), tag("span", note))


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{duration(seconds)} ago"
