"""`make soak`: SOAK_S is how many seconds of trouble (600), SOAK_SEED what it is drawn from (a new one each time)."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from app.kafka.connection import prepare_aiokafka
from tests.soak.run import soak


def main() -> int:
    """Exit code 0 where every promise was kept. Else it is 1, and what the instances and brokers wrote is kept."""
    seconds = float(os.environ.get("SOAK_S", "600"))
    seed = int(os.environ.get("SOAK_SEED", random.randrange(10_000)))
    directory = Path(tempfile.mkdtemp(prefix="soak-"))
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    prepare_aiokafka()
    say(f"seed {seed}, {seconds:g} s of trouble, journals and logs under {directory}")
    outcome = asyncio.run(soak(seconds, seed, directory, say))
    print(outcome.table())
    for complaint in outcome.complaints:
        print(complaint)
    print(f"{outcome.report}\n{'passed' if outcome.passed else 'FAILED'}")
    if outcome.passed:
        shutil.rmtree(directory)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
