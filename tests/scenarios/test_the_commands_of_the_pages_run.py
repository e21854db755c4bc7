"""Every command that the documentation shows runs as it is printed, but for a few that are listed with the reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scenarios.stage import Stage
from tests.scenarios.test_the_examples_of_the_http_page_run import named, on, run
from tests.service_process import ROOT, service

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_ELSEWHERE = {"docs/http.md": "test_the_examples_of_the_http_page_run.py"}
NOT_RUN = {
    "make run": "it ends at Ctrl-C only; every scenario starts the process that it starts",
    "make test": "this is it",
    "make soak": "takes minutes; test_a_soak_in_short.py runs it for a few seconds",
    ".venv/bin/pip install": "changes the environment that the tests run in; tests/test_packaging.py compares the pins",
    "kafka-acls.sh": "Kafka's own tool; test_kafka_asks_who_the_service_is.py gives the rights of the page's tables",
    "for topic in reports": "Kafka's own tool, which the tests have no script of",
}
"""What a block that is not run begins with, and why."""
SHELL = """
streaming_curl() { command curl --noproxy '*' -sS --max-time 3 "$@" || [ $? -eq 28 ]; }
export ROUTES=tests.cli.tables:empty
"""


def blocks(page: Path) -> list[str]:
    """The commands of a page that are run here."""
    if str(page.relative_to(ROOT)) in RUN_ELSEWHERE:
        return []
    return [text for text in BLOCK.findall(page.read_text()) if not text.startswith(tuple(NOT_RUN))]


WITH_COMMANDS = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
async def test_its_commands_run(kafka: str, stage: Stage, tmp_path: Path, page: Path) -> None:
    topic = await stage.topic(1)
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        reach = f"export KAFKA_BOOTSTRAP_SERVERS={kafka} HTTP_PORT={process.port}\n"
        for block in blocks(page):
            commands = block.replace(".venv/bin/python -m app", "demijohn").replace("curl -NH", "streaming_curl -NH")
            printed = await run(SHELL + reach + on(process, topic, named(topic, commands)), tmp_path)
            refused = [status for status in printed.statuses if re.fullmatch("[345][0-9]{2}", status)]
            assert refused == [], printed.text


def test_what_is_not_run_is_still_there() -> None:
    every = [text for page in PAGES for text in BLOCK.findall(page.read_text())]
    assert [begin for begin in NOT_RUN if not any(text.startswith(begin) for text in every)] == []
