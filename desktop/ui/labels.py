"""Text that stands in a pane: a label in one of the theme's types and tones, following the theme as it changes.

Invariant: it names a type and a tone, never a font or a colour; text is shown as it is, never as markup. A label does
not know languages: whoever gave it its text gives it again.
"""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from desktop.ui.theme import Theme, Type


def elided(painter: QPainter, place: QRect, text: str, *, right: bool = False) -> int:
    """Draws one line, in the painter's font and ink, that ends in … where it does not fit; how many pixels it took."""
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | side, shown)
    return painter.fontMetrics().horizontalAdvance(shown)


class Tone(StrEnum):
    """The value is the name of one of the theme's colours."""

    TEXT = "text"
    MUTED = "muted"
    ACCENT = "accent"
    WARNING = "warning"
    DANGER = "danger"


class Label(QLabel):
    """`wrap` lets it take several lines; `selectable` lets its text be marked and copied."""

    def __init__(
        self,
        look: Theme,
        kind: Type = Type.BODY,
        tone: Tone = Tone.TEXT,
        parent: QWidget | None = None,
        *,
        wrap: bool = False,
        selectable: bool = False,
    ) -> None:
        super().__init__(parent)
        self._look, self._kind, self._tone = look, kind, tone
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(wrap)
        if wrap:
            policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            policy.setHeightForWidth(True)
            self.setSizePolicy(policy)
        if selectable:
            by = Qt.TextInteractionFlag
            self.setTextInteractionFlags(by.TextSelectableByMouse | by.TextSelectableByKeyboard)
        look.changed.connect(self._restyle)
        self._restyle()

    def sizeHint(self) -> QSize:
        """One line, where the text wraps: how many it takes follows from the width."""
        return QSize(0, self.fontMetrics().height()) if self.wordWrap() else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint() if self.wordWrap() else super().minimumSizeHint()

    def tone(self, tone: Tone) -> None:
        """Changes what the text's colour says."""
        self._tone = tone
        self._restyle()

    def _restyle(self) -> None:
        self.setFont(self._look.font(self._kind))
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.WindowText, QColor(getattr(self._look.colours, self._tone.value)))
        self.setPalette(palette)


class Elided(Label):
    """One line, as wide as there is room, that ends in … where it does not fit."""

    def __init__(
        self, look: Theme, kind: Type = Type.BODY, tone: Tone = Tone.TEXT, parent: QWidget | None = None
    ) -> None:
        super().__init__(look, kind, tone, parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        elided(painter, self.contentsRect(), self.text())
