"""The engine process: orders come in by its standard input, answers leave by what was its standard output.

Invariant: only frames leave by that pipe, whatever llama.cpp or Python print: their output goes to stderr. The process
ends when its input does, so it never outlives the application by more than it takes to put what was read on disk.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import BinaryIO, NoReturn

from desktop.core.generation import Appended, LoadProgress, PromptProgress
from desktop.engine import frames
from desktop.engine.room import Room
from desktop.engine.seal import close_off

_SAVING_S = 6.0  # the longest that putting what was read on disk may take: 3 GB on a laptop's SSD
_INTERVAL_S = 1 / 30  # no eye reads faster, and each frame costs the window's thread a wake-up


class Outlet:
    """Writes answers, text gathered into at most 30 frames a second; the first of a reply goes at once.

    Used by the room's thread only. Text that waits leaves with the next token, or with the end of the reply.
    """

    def __init__(self, stream: BinaryIO, gone: Callable[[], None] = lambda: None) -> None:
        """`gone` is called when nobody listens any more."""
        self._stream, self._gone = stream, gone
        self._number = 0
        self._heard = True  # whether anybody listens
        self._text = ""
        self._text_at = self._progress_at = 0.0

    def post(self, number: int, answer: frames.Answer) -> None:
        if number != self._number:
            self._number = number
            self._text_at = self._progress_at = 0.0
        now = monotonic()
        if isinstance(answer, Appended):
            self._text += answer.text
            if now - self._text_at >= _INTERVAL_S:
                self._text_at = now
                self._flush()
        elif isinstance(answer, PromptProgress | LoadProgress):
            if now - self._progress_at >= _INTERVAL_S:
                self._progress_at = now
                self._write(answer)
        else:
            self._flush()
            self._write(answer)

    def _flush(self) -> None:
        if self._text:
            text, self._text = self._text, ""
            self._write(Appended(text))

    def _write(self, answer: frames.Answer) -> None:
        if not self._heard:
            return
        try:
            self._stream.write(frames.encode(self._number, answer))
            self._stream.flush()
        except OSError:
            self._heard = False
            self._gone()


def main() -> NoReturn:
    """Serves until the input ends or the system asks it to, puts what was read on disk, and exits.

    The status is 0, or 2 if the input is no frames of ours. What llama.cpp still computes is wanted no more.
    """
    try:
        os._exit(_serve())
    except _AskedToEnd:
        os.kill(os.getpid(), signal.SIGTERM)
    os._exit(1)


def _serve() -> int:
    close_off()
    _offer_to_the_oom_killer()
    inlet, outlet = _claim_pipes()

    def end() -> None:
        room.end(_SAVING_S)
        os._exit(0)

    room = Room(Outlet(outlet, threading.Thread(target=end, daemon=True).start).post)
    signal.signal(signal.SIGTERM, _leave)
    try:
        while (frame := frames.read(inlet)) is not None:
            number, order = frame
            if isinstance(order, frames.Stop):
                room.stop(number)
            elif isinstance(order, frames.Order):
                room.submit(number, order)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already, and has a few seconds for the disk
        _fall_silent()
    except frames.FrameError as error:
        os.write(2, f"{error}\n".encode())
        return 2
    except _AskedToEnd:
        room.end(_SAVING_S)
        raise
    room.end(_SAVING_S)
    return 0


class _AskedToEnd(Exception):
    """The system, or somebody, wants this process to end."""


def _leave(_number: int, _frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # who asks twice does not want to wait
    raise _AskedToEnd


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes under other descriptors; 0 reads nothing from now on, and 1 goes where 2 goes."""
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inlet, outlet


def _fall_silent() -> None:
    """Who read what is printed may be gone, and writing to nobody would fail."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _offer_to_the_oom_killer() -> None:
    """Linux, short of memory, shall end this process before the one with the window."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")


if __name__ == "__main__":
    main()
