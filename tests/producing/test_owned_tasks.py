"""Tasks with an owner."""

from __future__ import annotations

import asyncio

from app.producing.owned_tasks import OwnedTasks


async def test_a_task_is_kept_until_it_ends() -> None:
    tasks, go_on = OwnedTasks[bool](), asyncio.Event()
    task = tasks.spawn(go_on.wait())
    await tasks.wait(0)
    assert tasks
    go_on.set()
    await tasks.wait(5)
    assert await task
    assert not tasks


async def test_what_a_task_raises_is_told_once_and_a_cancelled_one_is_no_failure() -> None:
    failures: list[BaseException] = []
    tasks = OwnedTasks[None](failures.append)

    async def fail() -> None:
        raise ValueError("mine")

    tasks.spawn(fail())
    tasks.spawn(asyncio.sleep(60))
    await asyncio.sleep(0)
    tasks.cancel()
    await tasks.wait(5)
    assert [str(error) for error in failures] == ["mine"]


async def test_without_anybody_to_tell_an_error_is_read_all_the_same() -> None:
    tasks = OwnedTasks[None]()

    async def fail() -> None:
        raise ValueError("known to who waits")

    task = tasks.spawn(fail())
    await tasks.wait(5)
    assert isinstance(task.exception(), ValueError)
