"""How Qt's own controls are drawn: by a style sheet, and ticks, rings and signs by a style over Fusion.

Invariant: no control shows a trace of Fusion's own bevels, and each takes its colours from the theme in use when it is
drawn. `primary` marks a view's one main button.
Controls that draw themselves (`ui.buttons`, `ui.boxes`, `ui.switch`) are no affair of this module.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen
from PySide6.QtWidgets import QAbstractButton, QProxyStyle, QStyle, QStyleOption, QWidget

from desktop.ui import icons
from desktop.ui.icons import ICON, Icon
from desktop.ui.surface import ring
from desktop.ui.tokens import RADIUS_S, TARGET, XL, XS, Colours, L, M, S

Element = QStyle.PrimitiveElement
_ARROWS = {
    Element.PE_IndicatorArrowDown: Icon.DOWN,
    Element.PE_IndicatorArrowUp: Icon.UP,
    Element.PE_IndicatorArrowLeft: Icon.LEFT,
    Element.PE_IndicatorArrowRight: Icon.RIGHT,
    Element.PE_IndicatorMenuCheckMark: Icon.CHECK,
}
_SIGNS = {  # of message boxes, and of Qt's own file dialogue
    QStyle.StandardPixmap.SP_MessageBoxInformation: (Icon.INFO, "accent"),
    QStyle.StandardPixmap.SP_MessageBoxQuestion: (Icon.HELP, "accent"),
    QStyle.StandardPixmap.SP_MessageBoxWarning: (Icon.WARNING, "warning"),
    QStyle.StandardPixmap.SP_MessageBoxCritical: (Icon.TOO_LARGE, "danger"),
    QStyle.StandardPixmap.SP_ArrowBack: (Icon.LEFT, "text"),
    QStyle.StandardPixmap.SP_ArrowForward: (Icon.RIGHT, "text"),
    QStyle.StandardPixmap.SP_FileDialogToParent: (Icon.UP, "text"),
    QStyle.StandardPixmap.SP_FileDialogNewFolder: (Icon.PLUS, "text"),
}
_SIGN = 40
_TICK = 18  # the side of a box to tick, at 100 %
_OFF = 0.45  # the strength of what cannot be used now


class Style(QProxyStyle):
    """Fusion, redrawn where it shows. `colours` are those in use; `px` grows a length with the text."""

    def __init__(self, colours: Callable[[], Colours], px: Callable[[float], int]) -> None:
        super().__init__("Fusion")
        self._colours, self._px = colours, px

    def drawPrimitive(
        self, element: QStyle.PrimitiveElement, option: QStyleOption, painter: QPainter, widget: QWidget | None = None
    ) -> None:
        if element == Element.PE_FrameFocusRect:
            whole = widget.rect() if isinstance(widget, QAbstractButton) else option.rect
            ring(painter, QRectF(whole), RADIUS_S, self._colours())
        elif element in (Element.PE_IndicatorCheckBox, Element.PE_IndicatorRadioButton):
            self._tick(option, painter, is_round=element == Element.PE_IndicatorRadioButton)
        elif element in _ARROWS:
            self._arrow(_ARROWS[element], option, painter)
        else:
            super().drawPrimitive(element, option, painter, widget)

    def standardIcon(
        self, which: QStyle.StandardPixmap, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> QIcon:
        if which in _SIGNS:
            sign, colour = _SIGNS[which]
            return icons.icon(sign, getattr(self._colours(), colour), _SIGN)
        return super().standardIcon(which, option, widget)

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        if metric == QStyle.PixelMetric.PM_LineEditIconSize:
            return self._px(ICON)
        return super().pixelMetric(metric, option, widget)

    def _tick(self, option: QStyleOption, painter: QPainter, *, is_round: bool) -> None:
        colours, state = self._colours(), option.state
        on = bool(state & (QStyle.StateFlag.State_On | QStyle.StateFlag.State_NoChange))
        side = min(option.rect.width(), option.rect.height())
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(option.rect).center())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not state & QStyle.StateFlag.State_Enabled:
            painter.setOpacity(_OFF)
        painter.setPen(QPen(QColor(colours.accent if on else colours.edge), 1))
        painter.setBrush(QColor(colours.accent if on else colours.ground))
        corner = side / 2 if is_round else XS
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), corner, corner)
        if on and is_round:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.on_accent))
            painter.drawEllipse(box.center(), side / 5, side / 5)
        elif on:
            sign = Icon.CHECK if state & QStyle.StateFlag.State_On else Icon.MINUS
            icons.paint(painter, sign, box.adjusted(2, 2, -2, -2), colours.on_accent)
        painter.restore()

    def _arrow(self, icon: Icon, option: QStyleOption, painter: QPainter) -> None:
        side = min(option.rect.width(), option.rect.height(), option.fontMetrics.height())
        place = QRectF(0, 0, side, side)
        place.moveCenter(QRectF(option.rect).center())
        usable = option.state & QStyle.StateFlag.State_Enabled
        icons.paint(painter, icon, place, self._colours().text if usable else self._colours().muted)


def sheet(c: Colours, px: Callable[[float], int]) -> str:
    """What a sheet can say. `px` grows a length with the text.

    A button's `autoDefault` lets Enter press it, also outside a dialogue; a click leaves the focus where it was, so
    that no ring follows the mouse.
    """
    return "".join((_buttons(c, px), _fields(c, px), _lists(c, px), _bars(c, px)))


def _buttons(c: Colours, px: Callable[[float], int]) -> str:
    pad, gap, tick = px(XS + 2), px(M), px(_TICK)
    return f"""
QPushButton {{ border: 1px solid {c.button_edge}; border-radius: {RADIUS_S}px; padding: {pad}px {gap}px;
  background: {c.button}; color: {c.text}; qproperty-autoDefault: true;
  qproperty-focusPolicy: TabFocus; }}
QPushButton:hover {{ background: {c.button_hover}; }}
QPushButton:pressed {{ background: {c.button}; }}
QPushButton:disabled {{ color: {c.muted}; }}
QPushButton[primary="true"] {{ background: {c.accent}; color: {c.on_accent}; }}
QPushButton[primary="true"]:hover {{ background: {c.accent_hover}; }}
QPushButton[primary="true"]:disabled {{ background: {c.button}; color: {c.muted}; }}
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QCheckBox, QRadioButton {{ spacing: {S}px; min-height: {px(TARGET)}px; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: {tick}px; height: {tick}px; }}
"""


def _fields(c: Colours, px: Callable[[float], int]) -> str:
    pad = px(XS + 2)
    return f"""
QLineEdit, QPlainTextEdit {{ border: 1px solid {c.edge}; border-radius: {RADIUS_S}px; padding: {pad}px;
  background: {c.ground}; color: {c.text}; selection-background-color: {c.selection}; selection-color: {c.text};
  placeholder-text-color: {c.muted}; }}
QLineEdit:focus, QPlainTextEdit:focus {{ border: 2px solid {c.accent}; padding: {pad - 1}px; }}
QLineEdit:disabled, QPlainTextEdit:disabled {{ border-color: {c.line}; color: {c.muted}; }}
QAbstractSpinBox {{ border: 2px solid transparent; background: transparent; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ subcontrol-origin: border; width: {px(XL)}px;
  height: {px(M)}px; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; margin-top: {XS}px; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; margin-bottom: {XS}px; }}
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {{ border: none; padding: 0; background: transparent; }}
"""


def _lists(c: Colours, px: Callable[[float], int]) -> str:
    pad = px(XS + 2)
    return f"""
QComboBox QAbstractItemView {{ border: 1px solid {c.line}; padding: {XS}px; background: {c.floating}; }}
QFileDialog QToolButton {{ border: none; border-radius: {RADIUS_S}px; padding: {pad}px; }}
QFileDialog QToolButton:hover, QFileDialog QToolButton:checked {{ background: {c.button_hover}; }}
QTableView {{ selection-background-color: {c.selected}; selection-color: {c.text}; }}
QHeaderView::section {{ border: none; border-bottom: 1px solid {c.line}; padding: {XS}px; background: {c.ground};
  color: {c.muted}; }}
QMenuBar {{ background: {c.side}; color: {c.text}; padding: {XS}px; }}
QMenuBar::item {{ padding: {XS}px {px(S)}px; border-radius: {RADIUS_S}px; background: transparent; }}
QMenuBar::item:selected, QMenuBar::item:pressed {{ background: {c.button_hover}; }}
QMenu {{ border: 1px solid {c.line}; padding: {XS}px; background: {c.floating}; }}
QMenu::item {{ padding: {pad}px {px(XL)}px {pad}px {px(XL)}px; border-radius: {RADIUS_S}px; color: {c.text}; }}
QMenu::item:selected {{ background: {c.button_hover}; }}
QMenu::indicator, QMenu::right-arrow {{ width: {px(16)}px; height: {px(16)}px; }}
QMenu::indicator {{ margin-left: {XS}px; }}
QMenu::item:disabled {{ color: {c.muted}; }}
QMenu::separator {{ height: 1px; margin: {XS}px {S}px; background: {c.line}; }}
QToolTip {{ border: 1px solid {c.line}; padding: {XS}px {S}px; background: {c.floating}; color: {c.text}; }}
"""


def _bars(c: Colours, px: Callable[[float], int]) -> str:
    knob = px(L)
    return f"""
QSlider {{ min-height: {px(TARGET)}px; }}
QSlider::groove:horizontal {{ height: {XS}px; border-radius: 2px; background: {c.edge}; }}
QSlider::sub-page:horizontal {{ height: {XS}px; border-radius: 2px; background: {c.accent}; }}
QSlider::sub-page:disabled, QSlider::handle:disabled {{ background: {c.edge}; }}
QSlider::handle:horizontal {{ width: {knob}px; border-radius: {knob // 2}px;
  margin: -{(knob - XS) // 2}px 0; background: {c.accent}; }}
QSlider::handle:horizontal:hover {{ background: {c.accent_hover}; }}
QProgressBar {{ border: none; border-radius: {XS}px; max-height: {S}px; background: {c.button_hover}; }}
QProgressBar::chunk {{ border-radius: {XS}px; background: {c.accent}; }}
QSplitter::handle {{ background: {c.line}; }}
QSplitter::handle:hover {{ background: {c.accent}; }}
QScrollBar:vertical {{ width: 12px; background: transparent; }}
QScrollBar:horizontal {{ height: 12px; background: transparent; }}
QScrollBar::handle {{ background: #70{c.edge[1:]}; border-radius: 2px; margin: 4px; }}
QScrollBar::handle:vertical {{ min-height: {px(32)}px; }}
QScrollBar::handle:horizontal {{ min-width: {px(32)}px; }}
QScrollBar::handle:disabled {{ background: transparent; }}
QScrollBar::handle:hover {{ background: {c.edge}; border-radius: 3px; margin: 3px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
