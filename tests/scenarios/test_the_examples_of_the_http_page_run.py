"""Every command of the page about HTTP runs as it is printed, and is answered as the page says."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from tests.scenarios.stage import Stage
from tests.service_process import ROOT, ServiceProcess, service
from tests.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "http.md"
PRODUCING, PROTECTION = re.split(r"^## Protection$", PAGE.read_text(), flags=re.MULTILINE)
BLOCK = re.compile(r"^```(sh|ini)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [text for kind, text in BLOCK.findall(PRODUCING) if kind == "sh"]
SECTIONS = {
    section.partition("\n")[0]: BLOCK.findall(section)
    for section in re.split(r"^### ", PROTECTION, flags=re.MULTILINE)[1:]
    if BLOCK.search(section)
}
TOLD = re.compile(r"# (\d{3})(?: (\w+))?$", re.MULTILINE)
SHELL = f"""
demijohn() {{ PYTHONPATH={ROOT} {sys.executable} -m app "$@"; }}
curl() {{ command curl --noproxy '*' -sS -w '%{{stderr}}%{{http_code}}\\n' "$@"; }}
"""


class Printed(NamedTuple):
    """What a script printed, and the status of each of its calls."""

    text: str
    statuses: list[str]


async def run(script: str, directory: Path) -> Printed:
    """Fails where one of the commands does."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", SHELL + script),
        cwd=directory,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, statuses = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, f"{script}\n{output.decode()}{statuses.decode()}"
    return Printed(output.decode(), statuses.decode().split())


def on(process: ServiceProcess, topic: str, script: str) -> str:
    """A script of the page for this service and topic."""
    return named(topic, script).replace("localhost:3000", f"127.0.0.1:{process.port}")


def named(topic: str, text: str) -> str:
    return re.sub(r"(?<![.\w])example\b", topic, text)


async def test_what_is_produced_by_the_examples_is_delivered(kafka: str, stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(1)
    assert len(EXAMPLES) >= 8
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        for example in EXAMPLES:
            printed = await run(on(process, topic, example), tmp_path)
            assert all(status.startswith("2") for status in printed.statuses), f"{example}\n{printed.text}"
            assert '"failed"' not in printed.text.replace('"failed":0', ""), printed.text


@pytest.mark.parametrize("section", SECTIONS)
async def test_what_protects_answers_as_the_page_says(kafka: str, stage: Stage, tmp_path: Path, section: str) -> None:
    topic = await stage.topic(1)
    certify(tmp_path)
    async with AsyncExitStack() as running:
        process: ServiceProcess | None = None
        for kind, text in SECTIONS[section]:
            if kind == "ini":
                process = await running.enter_async_context(started(kafka, named(topic, text), tmp_path))
                await until_listening(process)
            elif process is None:
                await run(named(topic, text), tmp_path)
            else:
                await check(on(process, topic, text), tmp_path)
        assert process is not None


def started(kafka: str, settings: str, directory: Path) -> AbstractAsyncContextManager[ServiceProcess]:
    environment = dict(line.split("=", 1) for line in settings.split())
    return service(kafka, "--no-consumers", cwd=directory, environment=environment)


async def until_listening(process: ServiceProcess) -> None:
    await process.until_logged("Kafka answers")
    await until(lambda: "Listening on" in process.text, "it listens")


async def check(script: str, directory: Path) -> None:
    """Runs the calls of a script and compares each answer with the comment behind it."""
    printed = await run(script, directory)
    told = TOLD.findall(script)
    assert printed.statuses == [status for status, _ in told], f"{script}\n{printed.text}"
    codes = re.findall(r'"code":"(\w+)"', printed.text)
    assert codes == [code for _, code in told if code]


def certify(directory: Path) -> None:
    """Puts the files there that the example about HTTPS takes as given."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    issued.cert_chain_pems[0].write_to_path(directory / "cert.pem")
