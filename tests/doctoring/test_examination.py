"""Checks run in order, and what needs one that failed is skipped."""

from __future__ import annotations

import asyncio

from app.doctoring.examination import Answer, Check, Finding, examine, ok, warn
from app.errors import KafkaUnavailable


async def fine() -> Answer:
    return ok("fine")


async def so_so() -> Answer:
    return warn("so so", "look")


async def refused() -> Answer:
    raise KafkaUnavailable("nobody answers")


async def hangs() -> Answer:
    await asyncio.Event().wait()
    return ok("never")


async def test_what_needs_a_failed_check_is_skipped_and_a_warning_stops_nothing() -> None:
    checks = [
        Check("a", so_so, ""),
        Check("b", refused, "mend b", ("a",)),
        Check("c", fine, "", ("b",)),
        Check("d", fine, "", ("c", "a")),
        Check("e", fine, ""),
    ]
    assert [one async for one in examine(checks)] == [
        Finding("a", "warn", "so so", "look"),
        Finding("b", "fail", "nobody answers", "mend b"),
        Finding("c", "skipped", "needs: b"),
        Finding("d", "skipped", "needs: c"),
        Finding("e", "ok", "fine"),
    ]


async def test_a_check_that_hangs_fails_in_its_time() -> None:
    assert [one async for one in examine([Check("slow", hangs, "wait", timeout_s=0.05)])] == [
        Finding("slow", "fail", "no answer within 0.05 s", "wait")
    ]


async def test_all_together_end_in_their_time() -> None:
    checks = [Check("slow", hangs, "wait"), Check("late", fine, "")]
    assert [one async for one in examine(checks, within_s=0.05)] == [
        Finding("slow", "fail", "no answer within 0.05 s", "wait"),
        Finding("late", "skipped", "the 0.05 s for all checks are over"),
    ]
