"""python -m benchmarks [--list] [--only NAME ...] [--quick]"""

from __future__ import annotations

import argparse
import asyncio
import gc

import uvloop

from benchmarks.arena import Arena, arena
from benchmarks.consuming import Consuming
from benchmarks.overload import Overload
from benchmarks.rows import Row, run
from benchmarks.scale import Scale
from benchmarks.serving import Serving
from benchmarks.viewing import Viewing

GOALS_MIB = (100, 180)
"""Memory of an idle service, and of one under load."""
HEAD = "| work | reference | ours | ratio | goal | |\n|---|---:|---:|---:|---:|---|"


async def main() -> None:
    """Runs the rows that were asked for and prints the table."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name the rows")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="run these rows only")
    parser.add_argument("--quick", action="store_true", help="short runs, one round")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(f"{row.name}: {row.text}" for row in _rows(Arena("127.0.0.1:9092"), 1.0)[2]))
        return
    if unknown := set(arguments.only or ()) - {row.name for row in _rows(Arena("127.0.0.1:9092"), 1.0)[2]} - {"memory"}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}: see --list")
    scale, rounds = (0.25, 1) if arguments.quick else (1.0, 3)
    async with arena() as place:
        await _run(place, arguments.only, scale, rounds)


def _rows(place: Arena, scale: float) -> tuple[Consuming, Serving, list[Row]]:
    consuming, serving = Consuming(place, scale), Serving(place, scale)
    others = (Overload(place, scale), Scale(place, scale), Viewing(place, scale))
    return consuming, serving, [*consuming.rows(), *serving.rows(), *(row for other in others for row in other.rows())]


async def _run(place: Arena, only: list[str] | None, scale: float, rounds: int) -> None:
    consuming, serving, rows = _rows(place, scale)
    await consuming.prepare()
    await serving.prepare()
    print(HEAD, flush=True)
    gc.set_threshold(50_000, 20, 100)
    for row in rows:
        if only is None or row.name in only:
            print((await run(row, rounds)).line(), flush=True)
    if only is None or "memory" in only:
        idle, loaded = await serving.memory()
        print(f"\nMemory: {idle:.0f} MiB idle (goal {GOALS_MIB[0]}), {loaded:.0f} MiB under load ({GOALS_MIB[1]})")
        print(f"Ceiling of server and load generator: {await serving.ceiling():,.0f} requests/s")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
