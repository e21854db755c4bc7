"""`demijohn console`: a Python prompt with the service's parts at hand, where `await` works."""

from __future__ import annotations

import ast
import asyncio
import code
import concurrent.futures
import contextlib
import inspect
import signal
import sys
import threading
import traceback
from codeop import CommandCompiler
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import click

from app import __version__
from app.cli.connecting import connect_admin, connect_cluster, connect_producer, kafka_settings, run
from app.events import Monitor
from app.observing.log import LogLines
from app.observing.log_setup import set_up_logging
from app.routes.loading import load_table

HISTORY = "~/.demijohn_history"
HISTORY_LINES = 1000
EXIT_FAILED = 1
TEXT = """\
demijohn {version} on {servers}: producer, admin, cluster, routes, settings are at hand, and `await` works. For example:
  await producer.produce_sync(topic="example", payload={{"ping": "pong"}})
Ctrl-D ends it, Ctrl-C what runs."""


@click.command()
@click.option("-c", "statements", metavar="CODE", help="Run this and end.")
def console(statements: str | None) -> int:
    """Open a Python prompt on the brokers that the settings name.

    Ready are producer, admin, cluster, routes and settings, and await works at the prompt. With standard input that is
    no terminal, what comes there is run to its end.

    Exit codes: 0; 1 where -c or standard input raised an exception.
    """
    return run(_open(statements))


async def _open(statements: str | None) -> int:
    async with _parts() as parts:
        runner = Runner(parts)
        if statements is None and sys.stdin.isatty():
            await _interact(runner)
            return 0
        source = sys.stdin.read() if statements is None else statements
        return 0 if await runner.run_all(source) else EXIT_FAILED


@asynccontextmanager
async def _parts() -> AsyncIterator[dict[str, Any]]:
    settings, monitor = kafka_settings(), Monitor()
    set_up_logging(settings)
    LogLines(monitor)
    async with (
        connect_cluster(settings, monitor) as cluster,
        connect_producer(settings, cluster, monitor) as producer,
        connect_admin(settings) as admin,
    ):
        yield {
            "producer": producer,
            "admin": admin,
            "cluster": cluster,
            "routes": load_table(settings),
            "settings": settings,
            "asyncio": asyncio,
        }


class Runner:
    """Runs statements on the event loop, in one namespace; what an expression gives is printed, and kept in `_`."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = {"__name__": "__console__", "__builtins__": __builtins__, **names}
        self._running: asyncio.Task[Any] | None = None

    def compiler(self) -> CommandCompiler:
        """Of lines that are typed one after the other."""
        compiler = CommandCompiler()
        compiler.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        return compiler

    async def run_all(self, source: str) -> bool:
        """Runs all statements of `source`, the last as at a prompt; False after an exception, which is printed."""
        try:
            for statement in ast.parse(source, "<console>").body:
                shown = isinstance(statement, ast.Expr)
                tree = ast.Interactive([statement]) if shown else ast.Module([statement], [])
                mode = "single" if shown else "exec"
                await self.run(compile(tree, "<console>", mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        except Exception:  # the user's own code: its error is shown as Python shows it
            show_error()
            return False
        return True

    async def run(self, compiled: CodeType) -> None:
        """Runs one statement. Raises whatever it raises."""
        found = FunctionType(compiled, self.names)()
        if inspect.iscoroutine(found):
            self._running = asyncio.ensure_future(found)
            try:
                await self._running
            finally:
                self._running = None

    def interrupt(self) -> None:
        """Cancels the statement that is awaited."""
        if self._running is not None:
            self._running.cancel()


def show_error() -> None:
    """Prints the exception that is being handled, without the frames of this module."""
    kind, error, trace = sys.exc_info()
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    print("".join(traceback.format_exception(kind, error, trace)), end="", file=sys.stderr)


class Prompt(code.InteractiveConsole):
    """Reads lines in a thread and has them run on the loop."""

    def __init__(self, runner: Runner, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(runner.names)
        self.compile = runner.compiler()
        self._runner = runner
        self._loop = loop

    def runcode(self, code: CodeType) -> None:
        """Returns when it has run."""
        ran = asyncio.run_coroutine_threadsafe(self._runner.run(code), self._loop)
        try:
            ran.result()
        except (concurrent.futures.CancelledError, asyncio.CancelledError):
            self.write("\nInterrupted\n")
        except SystemExit:
            raise
        except BaseException:  # the user's own code, whatever it raises
            show_error()


async def _interact(runner: Runner) -> None:
    """Returns when the prompt has ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    prompt = Prompt(runner, loop)
    text = TEXT.format(version=__version__, servers=runner.names["settings"].kafka_bootstrap_servers)

    def talk() -> None:
        try:
            with contextlib.suppress(SystemExit):
                prompt.interact(text, exitmsg="")
        finally:
            loop.call_soon_threadsafe(ended.set)

    loop.add_signal_handler(signal.SIGINT, runner.interrupt)
    with _history(runner.names):
        threading.Thread(target=talk, name="prompt", daemon=True).start()
        await ended.wait()


@contextlib.contextmanager
def _history(names: dict[str, Any]) -> Iterator[None]:
    """Completion and history of the prompt, where this Python has readline."""
    readline = _readline(names)
    yield
    if readline is not None:
        with contextlib.suppress(OSError):  # a home that cannot be written to costs the history, nothing else
            readline.write_history_file(Path(HISTORY).expanduser())


def _readline(names: dict[str, Any]) -> Any:
    try:
        import readline
        import rlcompleter
    except ImportError:
        return None
    readline.set_completer(rlcompleter.Completer(names).complete)
    readline.parse_and_bind("tab: complete")
    readline.set_history_length(HISTORY_LINES)
    with contextlib.suppress(OSError):
        readline.read_history_file(Path(HISTORY).expanduser())
    return readline
