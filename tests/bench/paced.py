"""An engine process that speaks real frames and writes 20 tokens a second without a model: what a reply costs a window.

    python -m tests.bench.paced

It counts a token for every four characters, and answers until it is stopped.
"""

from __future__ import annotations

import itertools
import sys
import threading
from typing import BinaryIO

from desktop.core.generation import Appended, Finished, ModelInfo, PromptProgress, StopReason, Timings, Usage
from desktop.engine import frames
from tests.bench.window import PART

PER_SECOND = 20
INFO = ModelInfo("Paced", "llama", 32768, 32768, 300, 2, 0, "CPU", "<s>", "</s>", (), 0.1, 1 << 20, 1 << 20, True)
TOKENS = [PART[at : at + 4] for at in range(0, len(PART), 4)]


class Writer:
    """One reply on a thread of its own, so that a stop is heard."""

    def __init__(self, outlet: BinaryIO, number: int) -> None:
        self.number = number
        self._outlet = outlet
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _write(self) -> None:
        say(self._outlet, self.number, PromptProgress(100, 100))
        written = 0
        for text in itertools.cycle(TOKENS):
            if self._stopped.wait(1 / PER_SECOND):
                break
            say(self._outlet, self.number, Appended(text))
            written += 1
        say(self._outlet, self.number, Finished(StopReason.CANCELLED, Usage(100, 0, written), Timings(0, 1, 1, 20)))


def say(outlet: BinaryIO, number: int, answer: frames.Answer) -> None:
    outlet.write(frames.encode(number, answer))
    outlet.flush()


def main() -> None:
    inlet, outlet = sys.stdin.buffer, sys.stdout.buffer
    writer: Writer | None = None
    while (frame := frames.read(inlet)) is not None:
        number, order = frame
        if writer is not None and not (isinstance(order, frames.Stop) and number != writer.number):
            writer.stop()
            writer = None
        if isinstance(order, frames.Load):
            say(outlet, number, frames.Loaded(INFO))
        elif isinstance(order, frames.Count):
            say(
                outlet, number, frames.Counted(tuple(sum(len(p.text) for p in pieces) // 4 for pieces in order.prompts))
            )
        elif isinstance(order, frames.Generate):
            writer = Writer(outlet, number)
        elif isinstance(order, frames.Prepare):
            say(outlet, number, frames.Prepared(0, 0, 0))
        elif isinstance(order, frames.Keep):
            say(outlet, number, frames.Kept(0))
        elif isinstance(order, frames.Forget):
            say(outlet, number, frames.Forgotten())
    if writer is not None:
        writer.stop()


if __name__ == "__main__":
    main()
