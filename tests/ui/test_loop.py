"""Tasks that are kept, and exceptions that are seen."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref

import pytest

from desktop.core.errors import StorageError, UserError
from desktop.ui.loop import Tasks, run


class Seen:
    def __init__(self) -> None:
        self.said: list[UserError] = []
        self.bugs: list[BaseException] = []
        self.tasks = Tasks(self.said.append, self.bugs.append)


async def fail(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


def test_main_returns_its_status(qapp) -> None:
    async def main() -> int:
        await asyncio.sleep(0.01)
        return await asyncio.to_thread(lambda: 3)

    assert run(main()) == 3


def test_user_error_is_shown_where_it_belongs(qapp) -> None:
    seen, own = Seen(), list[UserError]()

    async def main() -> int:
        everywhere, here = StorageError("The disk is full."), StorageError("No such file.")
        await seen.tasks.spawn(fail(everywhere))
        await seen.tasks.spawn(fail(here), own.append)
        assert seen.said == [everywhere]
        assert own == [here]
        return 0

    assert run(main()) == 0
    assert not seen.bugs


def test_bug_is_logged_and_reported(qapp, caplog: pytest.LogCaptureFixture) -> None:
    seen = Seen()

    async def main() -> int:
        with caplog.at_level(logging.ERROR, "desktop.ui.loop"):
            await seen.tasks.spawn(fail(ZeroDivisionError("ours")))
        return 0

    run(main())
    assert [type(bug) for bug in seen.bugs] == [ZeroDivisionError]
    assert "Traceback" in caplog.text


def test_task_survives_the_garbage_collector(qapp) -> None:
    seen, done = Seen(), list[int]()

    async def work(gate: asyncio.Future[None]) -> None:
        await gate
        done.append(1)

    async def main() -> int:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        kept = weakref.ref(seen.tasks.spawn(work(gate)))
        await asyncio.sleep(0)
        gc.collect()
        assert kept() is not None
        gate.set_result(None)
        await asyncio.sleep(0.02)
        assert done == [1]
        assert len(seen.tasks) == 0
        return 0

    assert run(main()) == 0


def test_close_cancels_and_waits(qapp) -> None:
    seen, ended = Seen(), list[str]()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append("cleaned up")

    async def main() -> int:
        seen.tasks.spawn(work())
        await asyncio.sleep(0)
        await seen.tasks.close()
        assert ended == ["cleaned up"]
        return 0

    assert run(main()) == 0
    assert not seen.bugs
