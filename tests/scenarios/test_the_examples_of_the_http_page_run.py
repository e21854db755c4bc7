"""Every command of the page about HTTP runs as it is printed, and is answered with success."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tests.scenarios.stage import Stage
from tests.service_process import service

PAGE = Path(__file__).parents[2] / "docs" / "http.md"
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


async def run(script: str) -> str:
    """What a script prints. Fails where one of its commands does."""
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        'curl() { command curl --noproxy "*" --fail-with-body -sS "$@"; }\n' + script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, f"{script}\n{output.decode()}"
    return output.decode()


async def test_the_examples_run(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(1)
    assert len(EXAMPLES) >= 8
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        for example in EXAMPLES:
            script = example.replace("localhost:3000", f"127.0.0.1:{process.port}").replace("example", topic)
            printed = await run(script)
            assert '"failed"' not in printed.replace('"failed":0', ""), printed
