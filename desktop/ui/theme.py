"""The look in use: light or dark, the size of the text, fonts, and the measure of a conversation.

Invariant: it follows the system's light or dark, and its wish for more contrast, as they change, unless the person
chose, and tells so by `changed`. What there is to choose from stands in `ui.tokens`; how controls are drawn with it is
`ui.style`'s affair.
"""

from __future__ import annotations

from functools import cached_property

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication

from desktop.ui.style import Style, sheet
from desktop.ui.tokens import (
    DARK,
    DARK_SHARP,
    ELEVATION,
    LIGHT,
    LIGHT_SHARP,
    LINE,
    RADIUS,
    RADIUS_L,
    RADIUS_S,
    TARGET,
    XL,
    XS,
    XXL,
    Colours,
    L,
    M,
    S,
    Type,
)

__all__ = [
    "DARK",
    "ELEVATION",
    "LIGHT",
    "RADIUS",
    "RADIUS_L",
    "RADIUS_S",
    "TARGET",
    "XL",
    "XS",
    "XXL",
    "Colours",
    "L",
    "M",
    "S",
    "Theme",
    "Type",
    "palette",
]


class Theme(QObject):
    """The look in use. Widgets get it through `__init__` and redraw on `changed`."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._appearance = "system"
        self._percent = 100
        self._family = app.font().family()
        self._column = 0
        app.setStyle(Style(lambda: self.colours, self.px))
        hints = app.styleHints()
        self._system, self._contrast = hints.colorScheme(), hints.accessibility().contrastPreference()
        hints.colorSchemeChanged.connect(self._follow)
        hints.accessibility().contrastPreferenceChanged.connect(self._sharpen)
        self._apply()

    @property
    def dark(self) -> bool:
        if self._appearance == "system":
            return self._system is Qt.ColorScheme.Dark
        return self._appearance == "dark"

    @property
    def colours(self) -> Colours:
        if self._contrast is Qt.ContrastPreference.HighContrast:
            return DARK_SHARP if self.dark else LIGHT_SHARP
        return DARK if self.dark else LIGHT

    @property
    def column(self) -> int:
        """The width of a conversation: about 70 characters of the reading font. Pixels, grown with the text."""
        if not self._column:
            self._column = round(QFontMetricsF(self.font(Type.READING)).horizontalAdvance(LINE))
        return self._column

    def use(self, appearance: str, text_size: int) -> None:
        """`appearance`: "light", "dark" or "system"; `text_size`: per cent."""
        if (appearance, text_size) != (self._appearance, self._percent):
            self._appearance, self._percent = appearance, text_size
            self._apply()

    def px(self, value: float) -> int:
        """A length that grows with the text."""
        return round(value * self._percent / 100)

    @cached_property
    def _fixed(self) -> str:
        """The family for code, looked up when code is first shown: it costs milliseconds that the first paint needs."""
        return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()

    def font(self, kind: Type) -> QFont:
        pixels, weight = kind.value
        font = QFont(self._family)
        if kind is Type.CODE:
            font.setFamilies([self._fixed, self._family])
            font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPixelSize(self.px(pixels))
        font.setWeight(weight)
        return font

    def _follow(self, scheme: Qt.ColorScheme) -> None:
        self._system = scheme
        if self._appearance == "system":
            self._apply()

    def _sharpen(self, wish: Qt.ContrastPreference) -> None:
        self._contrast = wish
        self._apply()

    def _apply(self) -> None:
        self._column = 0
        self._app.setPalette(palette(self.colours))
        self._app.setFont(self.font(Type.BODY))
        self._app.setStyleSheet(sheet(self.colours, self.px))
        self.changed.emit()


def palette(c: Colours) -> QPalette:
    """The colours as Qt's own controls ask for them."""
    made = QPalette()
    roles = QPalette.ColorRole
    for role, colour in {
        roles.Window: c.ground,
        roles.WindowText: c.text,
        roles.Base: c.ground,
        roles.AlternateBase: c.raised,
        roles.ToolTipBase: c.floating,
        roles.ToolTipText: c.text,
        roles.PlaceholderText: c.muted,
        roles.Text: c.text,
        roles.Button: c.raised,
        roles.ButtonText: c.text,
        roles.BrightText: c.danger,
        roles.Link: c.accent,
        roles.LinkVisited: c.accent,
        roles.Highlight: c.selection,
        roles.HighlightedText: c.text,
        roles.Accent: c.accent,
        roles.Light: c.raised,
        roles.Midlight: c.hover,
        roles.Mid: c.line,
        roles.Dark: c.edge,
        roles.Shadow: c.line,
    }.items():
        made.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(c.muted))
    return made
