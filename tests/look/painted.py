"""Hears what widgets that draw themselves write: each text, the room it was given, and how much it takes.

Invariant: everything is drawn as without it. Text in documents and in Qt's own controls is not heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

_plain = QPainter.drawText


@dataclass(frozen=True, slots=True)
class Written:
    """`room` and `taken` in pixels across; `room` is None where the text stands at a point."""

    widget: QWidget
    text: str
    room: float | None
    taken: float


class Painted:
    """`with Painted() as heard:` and draw; `heard.all` is what was written."""

    def __init__(self) -> None:
        self.all: list[Written] = []

    def __enter__(self) -> Painted:
        def hear(painter: QPainter, *given: Any) -> Any:
            text = next((part for part in given if isinstance(part, str)), "")
            room = given[0].width() if isinstance(given[0], QRect | QRectF) else None
            device = painter.device()
            if text and isinstance(device, QWidget):
                metrics = painter.fontMetrics()
                taken = max(metrics.horizontalAdvance(line) for line in text.split("\n"))
                self.all.append(Written(device, text, room, taken))
            return _plain(painter, *given)

        QPainter.drawText = hear  # type: ignore[method-assign]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        QPainter.drawText = _plain  # type: ignore[method-assign]
