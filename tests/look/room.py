"""Whether everything that is shown has the room it needs: texts, the places of widgets, and the entries of menus.

Invariant: a text may be shortened only by a widget that draws "…" and says the whole in its tooltip; what is managed by
a layout lies within its parent and on no sibling. One pixel is forgiven, because advances are rounded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QCheckBox,
    QComboBox,
    QLabel,
    QLayout,
    QMenuBar,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QStyle,
    QStyleOptionButton,
    QTabBar,
    QToolButton,
    QWidget,
)

from tests.look.painted import Written
from tests.look.words import path, shown

SLACK = 1


def cramped(written: Collection[Written]) -> list[str]:
    """What has too little room, with where."""
    drawn = {one.widget for one in written}
    faults = [fault for widget in shown() for fault in _faults(widget, widget in drawn)]
    faults += [fault for one in written for fault in _drawn(one)]
    return sorted({f"{path(widget)}: {fault}" for widget, fault in faults})


Fault = tuple[QWidget, str]


def _faults(widget: QWidget, draws: bool) -> Iterator[Fault]:
    if widget.width() <= 0 or widget.height() <= 0:
        return
    match widget:
        case QLabel() if not draws:
            yield from _label(widget)
        case QCheckBox() | QRadioButton():
            if widget.text() and widget.sizeHint().width() > widget.width() + SLACK:
                yield widget, _wide(widget.text(), widget.sizeHint().width(), widget.width())
        case QPushButton() if not draws:
            yield from _button(widget)
        case QTabBar():
            yield from _tabs(widget)
        case QMenuBar():
            yield from _bar(widget)
        case QScrollArea():
            yield from _area(widget)
    yield from _places(widget)


def _label(label: QLabel) -> Iterator[Fault]:
    text, room = label.text(), label.contentsRect()
    if not text or label.textFormat() is Qt.TextFormat.RichText:
        return
    flags = int(label.alignment().value)
    if label.wordWrap():
        flags |= int(Qt.TextFlag.TextWordWrap.value)
    need = label.fontMetrics().boundingRect(QRect(0, 0, room.width(), 1 << 20), flags, text)
    if need.width() > room.width() + SLACK:
        yield label, _wide(text, need.width(), room.width())
    if need.height() > room.height() + SLACK:
        yield label, f"{text!r} is {need.height()} px high, in {room.height()}"


def _button(button: QPushButton) -> Iterator[Fault]:
    if not button.text():
        return
    option = QStyleOptionButton()
    button.initStyleOption(option)
    room = button.style().subElementRect(QStyle.SubElement.SE_PushButtonContents, option, button)
    icon = 0 if button.icon().isNull() else button.iconSize().width()
    need = button.fontMetrics().horizontalAdvance(button.text().replace("&", "")) + icon
    if need > room.width() + SLACK:
        yield button, _wide(button.text(), need, room.width())
    if button.fontMetrics().height() > button.height():
        yield button, f"{button.text()!r} is higher than its button"


def _tabs(tabs: QTabBar) -> Iterator[Fault]:
    for at in range(tabs.count()):
        need, place = tabs.fontMetrics().horizontalAdvance(tabs.tabText(at)), tabs.tabRect(at)
        if need > place.width() + SLACK and tabs.tabToolTip(at) != tabs.tabText(at):
            yield tabs, _wide(tabs.tabText(at), need, place.width())
        if place.right() > tabs.width() + SLACK:
            yield tabs, f"{tabs.tabText(at)!r} ends outside"


def _bar(bar: QMenuBar) -> Iterator[Fault]:
    """What has no room stands behind Qt's own button for more, where that is shown."""
    more = bar.findChild(QToolButton, "qt_menubar_ext_button")
    for action in bar.actions():
        place, behind = bar.actionGeometry(action), more is not None and more.isVisible()
        if action.isVisible() and not behind and (place.isEmpty() or place.right() > bar.width()):
            yield bar, f"no room for {action.text()!r}"


def _area(area: QScrollArea) -> Iterator[Fault]:
    inner, off = area.widget(), Qt.ScrollBarPolicy.ScrollBarAlwaysOff
    if (
        inner is not None
        and area.horizontalScrollBarPolicy() is off
        and inner.width() > area.viewport().width() + SLACK
    ):
        yield area, f"what it holds is {inner.width()} px wide, in {area.viewport().width()}"


def _places(parent: QWidget) -> Iterator[Fault]:
    """Children in a layout lie within their parent, and beside each other."""
    layout = parent.layout()
    if layout is None or isinstance(parent, QAbstractScrollArea):
        return
    managed = _managed(parent, layout)
    children = [child for child in managed if child.isVisibleTo(parent) and not child.geometry().isEmpty()]
    for child in children:
        place = child.geometry()
        if not parent.rect().adjusted(-SLACK, -SLACK, SLACK, SLACK).contains(place):
            yield child, f"lies outside its parent: {_at(place)} in {_at(parent.rect())}"
    for one, other in combinations(children, 2):
        both = one.geometry().intersected(other.geometry())
        if both.width() > SLACK and both.height() > SLACK:
            yield one, f"lies on {path(other)}: {_at(one.geometry())} and {_at(other.geometry())}"


def _managed(parent: QWidget, layout: QLayout) -> list[QWidget]:
    """The children that the layout, or one within it, places.

    Not by `QLayout.itemAt`: the items are Qt's own, and what Python holds of them outlives them.
    """
    layouts = [layout, *layout.findChildren(QLayout)]
    children = parent.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return [child for child in children if any(one.indexOf(child) >= 0 for one in layouts)]


def _drawn(one: Written) -> Iterator[Fault]:
    """A text a widget draws fits, or ends in "…" and can be read in whole; rows of lists tell it by themselves."""
    widget = one.widget
    if one.room is not None and one.taken > one.room + 2 * SLACK:
        yield widget, f"drawn {_wide(one.text, one.taken, one.room)}"
    elif one.text.endswith("…") and one.text.startswith("[!!") and not _whole_elsewhere(widget):
        yield widget, f"{one.text!r} is shortened, and no tooltip says the whole"


def _whole_elsewhere(widget: QWidget) -> bool:
    view = widget.parentWidget()
    if isinstance(widget, QComboBox) or (isinstance(view, QAbstractItemView) and view.viewport() is widget):
        return True  # a combo box says the whole when it opens; `words` reads the tooltips of rows
    return bool(widget.toolTip()) or (isinstance(widget, QAbstractButton) and bool(widget.accessibleName()))


def _wide(text: str, need: float, room: float) -> str:
    return f"{text!r} is {need:.0f} px wide, in {room:.0f}"


def _at(place: QRect) -> str:
    return f"{place.x()},{place.y()} {place.width()}×{place.height()}"
