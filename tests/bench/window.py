"""How long the window takes to open a long chat, and whether it ever stalls while a reply streams into it.

Prints three figures against their limits: opening a chat of 1,000 messages whose last is a reply of 40,000 characters
(about 10,000 tokens); the longest gap of the event loop, and its 99th percentile, while 200 tokens a second go on
arriving in that reply. A gap is the time between two ticks of a timer of 4 ms. Exits 1 where a limit is missed.

    python tests/bench/window.py [--seconds N] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtWidgets import QApplication

from desktop.core.chat import Message, Role
from desktop.panes.chat.message import MessageView
from desktop.panes.chat.transcript import Transcript
from desktop.ui.theme import Theme

CHARACTERS = 40_000
PER_SECOND = 200 * 4  # tokens of four characters
BATCH_MS = 33
TICK_MS = 4
LIMITS = {"open_ms": 150.0, "longest_gap_ms": 50.0, "gap_99_ms": 16.0}

PART = """## What fits

A machine with 16 GB runs a **7-billion** model at `Q4_K_M` well. The rest is memory for the conversation, which grows \
with the [context](https://example.com), and a second copy of the weights on some processors.

- the weights are mapped
- the cache is *not*
  - it grows with the context
- the rest is small

| Variant | Size | Note |
|---|---:|---|
| Q4_K_M | 4.37 | recommended |
| Q6_K | 5.94 | large |

```python
def fits(size: int, free: int) -> bool:
    # weights, cache and the rest
    return size + cache(4096) <= free
```

1. 모델을 고릅니다.
2. 질문을 씁니다.

> A quote that says little, at some length.

"""


@dataclass
class Figures:
    """Milliseconds."""

    open_ms: float
    longest_gap_ms: float
    gap_99_ms: float


def chat(messages: int = 1_000) -> list[MessageView]:
    """The chat that is opened: short messages and one long reply at the end, still being written."""
    short = [
        MessageView(Message(f"m{i}", None, Role.USER if i % 2 == 0 else Role.ASSISTANT, PART[: 60 + i % 400], float(i)))
        for i in range(messages - 1)
    ]
    text = (PART * (CHARACTERS // len(PART) + 1))[:CHARACTERS]
    return [*short, MessageView(Message("reply", None, Role.ASSISTANT, text, 0.0), last=True, streaming=True)]


def measure(app: QApplication, seconds: float) -> Figures:
    """Opens the chat, then lets a reply stream for so many seconds."""
    transcript = Transcript(Theme(app))
    transcript.resize(1000, 800)
    transcript.show_chat([])
    transcript.show()
    app.processEvents()
    messages = chat()
    begun = time.perf_counter()
    transcript.show_chat(messages)
    app.processEvents()
    opened = (time.perf_counter() - begun) * 1000
    gaps = sorted(_stream(app, transcript, seconds))
    return Figures(opened, gaps[-1], gaps[int(len(gaps) * 0.99)])


def _stream(app: QApplication, transcript: Transcript, seconds: float) -> list[float]:
    gaps: list[float] = []
    clock = QElapsedTimer()
    sent = 0

    def tick() -> None:
        gaps.append(clock.nsecsElapsed() / 1e6)
        clock.restart()

    def batch() -> None:
        nonlocal sent
        due = int((time.perf_counter() - begun) * PER_SECOND)
        transcript.stream("reply", (PART * 2)[sent % len(PART) :][: due - sent])
        sent = due

    ticks, batches = QTimer(), QTimer()
    for timer, interval, action in ((ticks, TICK_MS, tick), (batches, BATCH_MS, batch)):
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(interval)
        timer.timeout.connect(action)
    QTimer.singleShot(int(seconds * 1000), app.quit)
    begun = time.perf_counter()
    clock.start()
    ticks.start()
    batches.start()
    app.exec()
    ticks.stop()
    batches.stop()
    return gaps


def main() -> int:
    """Prints the figures; 0 if all limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(QApplication([]), options.seconds).__dict__
    if options.json:
        print(json.dumps(figures))
    else:
        for name, limit in LIMITS.items():
            print(f"{name:16} {figures[name]:7.1f}   limit {limit:5.0f}   ratio {figures[name] / limit:.2f}")
    return 0 if all(figures[name] <= limit for name, limit in LIMITS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
