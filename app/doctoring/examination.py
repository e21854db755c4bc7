"""Checks that depend on each other: one that failed is the reason why those that need it are skipped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from app.errors import DemijohnError

WITHIN_S = 15.0
"""All checks together; longer is no answer for somebody who waits."""
State = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found. `remedy` is None where there is nothing to do."""

    check: str
    state: State
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check says of itself."""

    state: State
    detail: str
    remedy: str | None = None


def ok(detail: str) -> Answer:
    return Answer("ok", detail)


def warn(detail: str, remedy: str) -> Answer:
    return Answer("warn", detail, remedy)


def fail(detail: str, remedy: str) -> Answer:
    return Answer("fail", detail, remedy)


@dataclass(frozen=True, slots=True)
class Check:
    """`run` looks, for at most `timeout_s`; `needs` names checks that must not have failed before; `remedy`: what to do
    where looking itself failed."""

    name: str
    run: Callable[[], Awaitable[Answer]]
    remedy: str
    needs: tuple[str, ...] = ()
    timeout_s: float = 5.0


async def examine(checks: Sequence[Check], within_s: float = WITHIN_S) -> AsyncGenerator[Finding, None]:
    """One finding for each check, in their order, as they come; all within so many seconds."""
    deadline = time.monotonic() + within_s
    missed: set[str] = set()
    for check in checks:
        failed = [name for name in check.needs if name in missed]
        if failed:
            finding = Finding(check.name, "skipped", f"needs: {', '.join(failed)}")
        elif (left_s := deadline - time.monotonic()) <= 0:
            finding = Finding(check.name, "skipped", f"the {within_s:g} s for all checks are over")
        else:
            answer = await _looked(check, min(check.timeout_s, left_s))
            finding = Finding(check.name, answer.state, answer.detail, answer.remedy)
        if finding.state in ("fail", "skipped"):
            missed.add(check.name)
        yield finding


async def _looked(check: Check, timeout_s: float) -> Answer:
    try:
        async with asyncio.timeout(timeout_s):
            return await check.run()
    except TimeoutError:
        return fail(f"no answer within {timeout_s:.3g} s", check.remedy)
    except (DemijohnError, OSError, ValueError) as error:
        return fail(str(error) or type(error).__name__, check.remedy)
