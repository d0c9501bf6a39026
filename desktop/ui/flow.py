"""Things beside each other as far as there is room, the rest below: what a line of buttons becomes where it is long.

Invariant: nothing is narrower than it needs, where there is the room; how high the whole is follows from its width. A
part may be a layout, whose things stay together.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class Flow(QLayout):
    """`gap` in pixels, between parts and between lines. The last part stands at the far end where `apart`.

    Lines begin at the left, or stand in the middle where `centred`.
    """

    def __init__(self, gap: int, parent: QWidget | None = None, *, apart: bool = False, centred: bool = False) -> None:
        super().__init__(parent)
        self._parts: list[QLayoutItem] = []
        self._apart, self._centred = apart, centred
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(gap)

    def addItem(self, item: QLayoutItem) -> None:
        self._parts.append(item)

    def addLayout(self, layout: QLayout) -> None:
        self.addChildLayout(layout)
        self.addItem(layout)

    def count(self) -> int:
        return len(self._parts)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._parts[index] if 0 <= index < len(self._parts) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._parts.pop(index) if 0 <= index < len(self._parts) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        lines = self._lines(width)
        heights = [max(_size(part, width).height() for part in line) for line in lines]
        return sum(heights) + self.spacing() * max(0, len(lines) - 1)

    def sizeHint(self) -> QSize:
        """All in one line."""
        return QSize(self._wide(self._shown()), max((part.sizeHint().height() for part in self._shown()), default=0))

    def minimumSize(self) -> QSize:
        """The widest part alone."""
        sizes = [part.minimumSize() for part in self._shown()]
        return QSize(max((s.width() for s in sizes), default=0), max((s.height() for s in sizes), default=0))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        top = rect.top()
        for line in self._lines(rect.width()):
            sizes = [_size(part, rect.width()) for part in line]
            left, height = rect.left(), max(size.height() for size in sizes)
            if self._centred:
                left += max(0, rect.width() - self._wide(line)) // 2
            for part, size in zip(line, sizes, strict=True):
                if self._apart and part is self._parts[-1] and len(line) > 1:
                    left = rect.right() + 1 - size.width()
                part.setGeometry(QRect(QPoint(left, top + (height - size.height()) // 2), size))
                left += size.width() + self.spacing()
            top += height + self.spacing()

    def _shown(self) -> list[QLayoutItem]:
        return [part for part in self._parts if not part.isEmpty()]

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        for part in self._shown():
            if lines and self._wide([*lines[-1], part]) <= width:
                lines[-1].append(part)
            else:
                lines.append([part])
        return lines

    def _wide(self, parts: list[QLayoutItem]) -> int:
        return sum(part.sizeHint().width() for part in parts) + self.spacing() * max(0, len(parts) - 1)


def _size(part: QLayoutItem, room: int) -> QSize:
    """As wide as it likes to be, where there is room, and as high as it is then."""
    hint = part.sizeHint()
    width = min(hint.width(), room)
    return QSize(width, part.heightForWidth(width) if part.hasHeightForWidth() else hint.height())
