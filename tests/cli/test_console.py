"""`demijohn console` at a terminal, and with statements from elsewhere."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys

import pytest

from app.cli.console import Runner
from tests.cli.commands import ROOT, demijohn
from tests.conftest import MakeTopic
from tests.waiting import until


async def test_statements_run_with_the_service_at_hand(kafka: str, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    produce = f'await producer.produce_sync(topic="{topic}", payload={{"ping": "pong"}})'
    done = await demijohn("console", "-c", produce, servers=kafka)
    assert done.code == 0, done
    assert done.out.startswith(f"DeliveryReport(topic='{topic}', partition=0, offset=0, "), done
    assert re.search(rf"Sync producing of a message to '{topic}' topic took [\d.]+ ms", done.err), done
    script = (
        "count = len(await cluster.refresh(timeout_s=5))\nfor _ in range(2):\n    await asyncio.sleep(0)\ncount > 0\n"
    )
    assert (await demijohn("console", servers=kafka, stdin=script)).out == "True\n"


async def test_an_error_is_shown_as_python_shows_it_and_ends_with_1(kafka: str) -> None:
    failed = await demijohn("console", servers=kafka, stdin="x = 1\nraise ValueError(x)\nprint('never')\n")
    assert (failed.code, failed.out) == (1, ""), failed
    assert 'File "<console>", line 2' in failed.err
    assert "ValueError: 1" in failed.err
    assert "console.py" not in failed.err
    broken = await demijohn("console", "-c", "x = = 1", servers=kafka)
    assert (broken.code, "SyntaxError" in broken.err) == (1, True), broken


async def test_at_a_terminal_it_prompts_goes_on_after_errors_and_ctrl_c_and_ends_with_ctrl_d(
    kafka: str, tmp_path: object
) -> None:
    parent, child = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KAFKA_BOOTSTRAP_SERVERS": kafka, "HOME": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "console"),
        cwd=ROOT,
        env=environment | {"TERM": "dumb"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        preexec_fn=take_terminal,
    )
    os.close(child)
    screen = bytearray()
    loop = asyncio.get_running_loop()
    loop.add_reader(parent, lambda: screen.extend(_read(parent)))
    try:
        await until(lambda: b">>> " in screen, "it prompts", 20)
        os.write(parent, b"await asyncio.sleep(0, 'slept')\n")
        await until(lambda: b"'slept'\r\n>>> " in screen, "it awaits")
        os.write(parent, b"1 / 0\n")
        await until(lambda: b"ZeroDivisionError: division by zero\r\n>>> " in screen, "it shows the error")
        os.write(parent, b"print('wai' + 'ting'); await asyncio.sleep(60)\n")
        await until(lambda: b"waiting" in screen, "it waits")
        os.write(parent, b"\x03")
        await until(lambda: b"Interrupted\r\n" in screen, "it was interrupted")
        os.write(parent, b"\x04")
        assert await asyncio.wait_for(process.wait(), 15) == 0
    finally:
        loop.remove_reader(parent)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(parent)


def take_terminal() -> None:
    """Makes standard input the terminal of the new session, so that Ctrl-C there becomes a signal."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other side is closed
        return b""


async def test_names_that_a_statement_makes_are_there_for_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    runner = Runner({"given": 2})
    assert await runner.run_all("import asyncio\nasync def twice(n):\n    return 2 * n\nx = await twice(given)\nx")
    assert capsys.readouterr().out == "4\n"
    assert not await runner.run_all("nothing_like_it")
    assert "NameError" in capsys.readouterr().err
