"""`python -m app.kafka.embedded`: a real broker in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from app.errors import EmbeddedBrokerError
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, find_java, resolve_jars


def main() -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.kafka.embedded", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1, choices=range(1, 10), help="how many nodes")
    parser.add_argument("--port", type=int, default=9092, help="port of the first broker, on 127.0.0.1; 0: any")
    parser.add_argument("--directory", type=Path, default=DEFAULT_DIRECTORY / "foreground", help="where data is kept")
    parser.add_argument("--fetch-only", action="store_true", help="only fetch Kafka's jars, by Maven or Docker")
    parser.add_argument("--has-java", action="store_true", help="only say by the exit code whether there is Java 17")
    arguments = parser.parse_args()
    if arguments.has_java:
        return 0 if find_java() else 1
    try:
        resolve_jars()
        if arguments.fetch_only:
            return 0
        cluster = ApacheCluster(
            arguments.directory, arguments.nodes, options=node_options(DEFAULT_DIRECTORY), port=arguments.port or None
        )
        asyncio.run(_run(cluster))
    except EmbeddedBrokerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _run(cluster: ApacheCluster) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await cluster.start()
    print(f"{cluster.description}\nReady. Ctrl-C stops it. To use it:")
    print(f"  export KAFKA_BOOTSTRAP_SERVERS={cluster.bootstrap_servers}", flush=True)
    try:
        await stop.wait()
    finally:
        await cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
