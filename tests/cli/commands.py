"""The command line as people run it: in a process of its own, with nobody to ask."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Done(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


async def demijohn(*arguments: str, servers: str, cwd: Path = ROOT, stdin: str = "", **settings: str) -> Done:
    """Runs `python -m app ARGUMENTS`. `settings` are environment variables in lower case."""
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "PYTHONPATH": str(ROOT),
        "KAFKA_BOOTSTRAP_SERVERS": servers,
        "PYTHONDONTWRITEBYTECODE": "1",
        **{name.upper(): value for name, value in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app", *arguments),
        cwd=cwd,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
    return Done(process.returncode or 0, out.decode(), err.decode())
