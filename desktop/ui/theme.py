"""The look of Alcove in one place: colours by meaning, spacing, type and radii, for light and dark.

Invariant: no other module names a colour, a font size or a radius; every text colour has at least 4.5 : 1 contrast on
every ground it is used on. The theme follows the system's light or dark as it changes unless the person chose one, and
tells so by `changed`. It draws nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

# The 4-pixel grid.
XS, S, M, L, XL, XXL = 4, 8, 12, 16, 24, 32
COLUMN = 720  # the widest a conversation gets: about 90 characters of reading text
RADIUS_S, RADIUS, RADIUS_L = 6, 10, 16


@dataclass(frozen=True, slots=True)
class Colours:
    """`#rrggbb` by meaning. `ground` is behind the conversation, `side` behind lists, `raised` behind code."""

    ground: str
    side: str
    raised: str
    hover: str
    selected: str  # the chosen row of a list
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    bubble: str
    warning: str
    warning_ground: str
    danger: str
    mark: str  # behind what a search found
    selection: str
    code_keyword: str
    code_text: str  # strings
    code_number: str
    code_name: str  # what is defined or called
    code_comment: str


LIGHT = Colours(
    ground="#ffffff",
    side="#f5f5f3",
    raised="#f6f6f4",
    hover="#ebebe8",
    selected="#e3ebe9",
    line="#e2e2de",
    text="#1c1e20",
    muted="#5f656b",
    accent="#17695f",
    on_accent="#ffffff",
    bubble="#e6f0ed",
    warning="#84520a",
    warning_ground="#fcf3e2",
    danger="#b3261e",
    mark="#ffe9a8",
    selection="#b9dcd5",
    code_keyword="#8b3a8f",
    code_text="#2f6b33",
    code_number="#9a4a0f",
    code_name="#1f5c9c",
    code_comment="#686d73",
)
DARK = Colours(
    ground="#1b1c1e",
    side="#151618",
    raised="#242629",
    hover="#2c2f32",
    selected="#24383a",
    line="#34373b",
    text="#e6e6e3",
    muted="#a2a7ac",
    accent="#66c2b2",
    on_accent="#0d211d",
    bubble="#233836",
    warning="#eac07a",
    warning_ground="#332b1d",
    danger="#f2938c",
    mark="#5d5020",
    selection="#2f5f58",
    code_keyword="#d9a0dc",
    code_text="#9fce97",
    code_number="#e8b285",
    code_name="#8fbef0",
    code_comment="#969ba1",
)


class Type(Enum):
    """The type scale: pixels at 100 %, and weight."""

    TITLE = (20, QFont.Weight.DemiBold)
    HEADING = (15, QFont.Weight.DemiBold)
    READING = (15, QFont.Weight.Normal)
    BODY = (14, QFont.Weight.Normal)
    SMALL = (12, QFont.Weight.Normal)
    CODE = (13, QFont.Weight.Normal)


class Theme(QObject):
    """The look in use. Widgets get it through `__init__` and redraw on `changed`."""

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._appearance = "system"
        self._percent = 100
        self._family = app.font().family()
        app.setStyle("Fusion")
        self._system = app.styleHints().colorScheme()
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self._apply()

    @property
    def dark(self) -> bool:
        if self._appearance == "system":
            return self._system is Qt.ColorScheme.Dark
        return self._appearance == "dark"

    @property
    def colours(self) -> Colours:
        return DARK if self.dark else LIGHT

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

    def _apply(self) -> None:
        self._app.setPalette(palette(self.colours))
        self._app.setFont(self.font(Type.BODY))
        self._edge()
        self._app.setStyleSheet(_stylesheet(self.colours, self))
        self.changed.emit()

    def _edge(self) -> None:
        """Gives controls an edge that is seen: Fusion draws it a little darker than the window, too little on dark."""
        edged = palette(self.colours)
        edged.setColor(QPalette.ColorRole.Window, QColor(self.colours.muted if self.dark else self.colours.ground))
        for kind in ("QCheckBox", "QRadioButton", "QSlider"):
            QApplication.setPalette(edged, kind)  # type: ignore[arg-type]  # the stub says bytes, the code takes text


def palette(c: Colours) -> QPalette:
    """The colours as Qt's own controls ask for them."""
    made = QPalette()
    roles = QPalette.ColorRole
    for role, colour in {
        roles.Window: c.ground,
        roles.WindowText: c.text,
        roles.Base: c.ground,
        roles.AlternateBase: c.raised,
        roles.ToolTipBase: c.raised,
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
        roles.Dark: c.line,
        roles.Shadow: c.line,
    }.items():
        made.setColor(role, QColor(colour))
    for role in (roles.Text, roles.WindowText, roles.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(c.muted))
    return made


def _stylesheet(c: Colours, theme: Theme) -> str:
    """What a palette cannot say: buttons, fields, thin scroll bars, menus. `primary` marks a view's one main button.

    A button's `autoDefault` lets Enter press it, also outside a dialogue; the focus ring stands off the fill.
    """
    pad, gap = theme.px(XS + 2), theme.px(M)
    return f"""
QPushButton {{ border: 1px solid {c.line}; border-radius: {RADIUS_S}px; padding: {pad}px {gap}px;
  background: {c.ground}; color: {c.text}; qproperty-autoDefault: true; }}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:disabled {{ color: {c.muted}; }}
QPushButton[primary="true"] {{ background: {c.accent}; color: {c.on_accent}; border: 1px solid {c.accent}; }}
QPushButton:focus {{ border: 2px solid {c.accent}; padding: {pad - 1}px {gap - 1}px; }}
QPushButton[primary="true"]:focus {{ background-clip: padding; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QLineEdit, QPlainTextEdit {{ border: 1px solid {c.line}; border-radius: {RADIUS_S}px; padding: {pad}px;
  background: {c.ground}; color: {c.text}; selection-background-color: {c.selection}; selection-color: {c.text}; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border: 1px solid {c.accent}; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QComboBox QAbstractItemView {{ border: 1px solid {c.line}; padding: {XS}px; background: {c.ground};
  selection-background-color: {c.hover}; selection-color: {c.text}; outline: none; }}
QHeaderView::section {{ border: none; border-bottom: 1px solid {c.line}; padding: {XS}px; background: {c.ground};
  color: {c.muted}; }}
QProgressBar {{ border: none; border-radius: {XS}px; background: {c.hover}; }}
QProgressBar::chunk {{ border-radius: {XS}px; background: {c.accent}; }}
QToolTip {{ border: 1px solid {c.line}; padding: {XS}px; background: {c.raised}; color: {c.text}; }}
QMenu {{ border: 1px solid {c.line}; padding: {XS}px; background: {c.ground}; }}
QMenu::item {{ padding: {pad}px {theme.px(XL)}px {pad}px {gap}px; border-radius: {RADIUS_S}px; }}
QMenu::item:selected {{ background: {c.hover}; color: {c.text}; }}
QMenu::item:disabled {{ color: {c.muted}; }}
QScrollBar:vertical {{ width: 10px; background: transparent; }}
QScrollBar:horizontal {{ height: 10px; background: transparent; }}
QScrollBar::handle {{ background: {c.line}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:disabled {{ background: transparent; }}
QScrollBar::handle:hover {{ background: {c.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
