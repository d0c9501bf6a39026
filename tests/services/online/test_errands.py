"""Questions in threads: answered, given up, or failed, and nothing waits for those that hang."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from contextvars import ContextVar

import pytest

from desktop.core.errors import HubError
from desktop.services.online.errands import answered

WHY: ContextVar[str] = ContextVar("why", default="")


def test_an_answer_comes_with_the_callers_context() -> None:
    async def main() -> str:
        WHY.set("because")
        return await answered(WHY.get, 5)

    assert asyncio.run(main()) == "because"


def test_a_refusal_is_handed_on() -> None:
    def refuse() -> None:
        raise HubError("no")

    with pytest.raises(HubError, match="no"):
        asyncio.run(answered(refuse, 5))


def alone(program: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as the end of the program is looked at, too."""
    head = "import asyncio, time; from desktop.services.online.errands import answered\n"
    return subprocess.run(
        [sys.executable, "-c", head + program], env=os.environ, capture_output=True, text=True, timeout=60
    )


def test_an_error_of_ours_is_reported_and_does_not_hang() -> None:
    done = alone(
        "try: asyncio.run(answered(lambda: 1 // 0, 30))\nexcept RuntimeError as error: print(error); time.sleep(1)"
    )
    assert done.stdout.strip() == "a question failed; its thread reports why"
    assert "ZeroDivisionError" in done.stderr


def test_patience_and_cancelling_wait_for_nobody() -> None:
    release = threading.Event()
    began = time.monotonic()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await answered(lambda: release.wait(30), 0.05)
        task = asyncio.create_task(answered(lambda: release.wait(30), 30))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await answered(lambda: "at once", 5) == "at once"

    asyncio.run(main())
    assert time.monotonic() - began < 5
    release.set()


def test_a_question_that_hangs_does_not_hold_up_the_end() -> None:
    done = alone("try: asyncio.run(answered(lambda: time.sleep(60), 0.1))\nexcept TimeoutError: print('gave up')")
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("gave up", "", 0)
