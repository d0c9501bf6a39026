"""Questions that may hang, each asked in a thread of its own: none holds up another, nor the end of the program.

Invariant: who waits gets the answer, a `UserError`, or the end of patience; a question that was given up goes on by
itself and nobody hears of it. An error of ours in a question is reported as any thread's is. A pool would do neither:
one that hangs keeps a place in it, and the interpreter waits for a pool's threads before it ends.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from desktop.core.errors import UserError

T = TypeVar("T")


async def answered(question: Callable[[], T], limit_s: float) -> T:
    """What `question` returns, run with the caller's context. Raises its `UserError`, or `TimeoutError`."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # from here on, only the thread ends it
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_ask, question, future), name="errand", daemon=True).start()
    async with asyncio.timeout(limit_s):
        return await asyncio.wrap_future(future)


def _ask(question: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(question())
    except UserError as error:
        future.set_exception(error)
    finally:
        if not future.done():
            future.set_exception(RuntimeError("a question failed; its thread reports why"))
