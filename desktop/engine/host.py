"""The engine process: orders come in by its standard input, answers leave by what was its standard output.

Invariant: only frames leave by that pipe, whatever llama.cpp or Python print: their output goes to stderr. The process
ends when its input does, so it never outlives the application. It keeps nothing on disk.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import BinaryIO, NoReturn

from desktop.core.generation import Appended, LoadProgress, PromptProgress
from desktop.engine import frames
from desktop.engine.room import Room
from desktop.engine.seal import close_off

_INTERVAL_S = 1 / 30  # no eye reads faster, and each frame costs the window's thread a wake-up


class Outlet:
    """Writes answers, text gathered into at most 30 frames a second; the first of a reply goes at once.

    Used by the room's thread only. Text that waits leaves with the next token, or with the end of the reply.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._number = 0
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
        try:
            self._stream.write(frames.encode(self._number, answer))
            self._stream.flush()
        except OSError:
            os._exit(0)  # nobody listens any more


def main() -> NoReturn:
    """Serves until the input ends, and exits without waiting for llama.cpp: what it computes is wanted no more.

    The status is 0, or 2 if the input is no frames of ours.
    """
    os._exit(_serve())


def _serve() -> int:
    close_off()
    _offer_to_the_oom_killer()
    inlet, outlet = _claim_pipes()
    room = Room(Outlet(outlet).post)
    try:
        while (frame := frames.read(inlet)) is not None:
            number, order = frame
            if isinstance(order, frames.Stop):
                room.stop(number)
            elif isinstance(order, frames.Order):
                room.submit(number, order)
    except frames.FrameError as error:
        os.write(2, f"{error}\n".encode())
        return 2
    return 0


def _claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes under other descriptors; 0 reads nothing from now on, and 1 goes where 2 goes."""
    inlet, outlet = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return inlet, outlet


def _offer_to_the_oom_killer() -> None:
    """Linux, short of memory, shall end this process before the one with the window."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")


if __name__ == "__main__":
    main()
