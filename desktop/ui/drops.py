"""What is dropped on the window: model files and exported chats, told apart by their names.

Invariant: only local files with a known ending are taken; a drop of anything else is refused while it hovers, so that
the pointer says so. What becomes of the files is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from desktop.ui import theme
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_MODELS = (".gguf",)
_CHATS = (".json", ".md")


@dataclass(frozen=True, slots=True)
class Dropped:
    """Files by what they are."""

    models: tuple[Path, ...] = ()
    chats: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.models or self.chats)


def dropped(data: QMimeData) -> Dropped:
    """The files in a drag."""
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return Dropped(
        tuple(path for path in paths if path.suffix.lower() in _MODELS),
        tuple(path for path in paths if path.suffix.lower() in _CHATS),
    )


class DropHint(QWidget):
    """Lies over the window while files hover, and says what letting go would do."""

    def __init__(self, look: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look
        self._text = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def offer(self, files: Dropped) -> None:
        self._text = _("Let go to import the model") if files.models else _("Let go to import the chats")
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = self._look.colours
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground = QColor(colours.ground)
        ground.setAlphaF(0.92)
        painter.fillRect(self.rect(), ground)
        painter.setPen(QPen(QColor(colours.accent), 2, Qt.PenStyle.DashLine))
        box = QRectF(self.rect()).adjusted(theme.L, theme.L, -theme.L, -theme.L)
        painter.drawRoundedRect(box, theme.RADIUS_L, theme.RADIUS_L)
        painter.setFont(self._look.font(Type.TITLE))
        painter.setPen(QColor(colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._text)
