"""Everything that a person reads or hears in what is shown now, and what of it has gone past translation.

Invariant: it looks at every visible widget of every window, at what a screen reader says of it, at its tooltip, at the
rows and heads of lists, the entries of menus and boxes, and at what widgets write when they draw themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from PySide6.QtCore import QAbstractItemModel, QLocale, QModelIndex, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QTabBar,
    QTableView,
    QTextEdit,
    QWidget,
)

from tests.look.painted import Written

Said = tuple[QWidget, str, str]  # the widget, what of it, the text
_MARKED = re.compile(r"\[!!(?:(?!\[!!|!!\]).)*(?:!!\]|…)", re.DOTALL)  # one that is shortened ends in "…"
_SIZE = re.compile(r"\d[\d.,]*\s?(?:bytes|kB|MB|GB|TB)\b")
_KEYS = "Ctrl|Alt|Shift|Meta|Esc|Enter|Return|Del|Tab|Home|End|Up|Down|Left|Right|PgUp|PgDown|Space|Backspace"
_KEY = re.compile(rf"\b(?:{_KEYS}|F\d+)\b(?:\+\S+)?")  # as they stand on the keyboard
_WORD = re.compile(r"[^\W\d_]{2}")
_SPOKEN = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
_ROWS = 60  # of a long list, the first
_ENGLISH = QLocale(QLocale.Language.English)
_CALENDAR = frozenset(
    name(number, form)
    for form in (QLocale.FormatType.LongFormat, QLocale.FormatType.ShortFormat)
    for name, numbers in ((_ENGLISH.monthName, range(1, 13)), (_ENGLISH.dayName, range(1, 8)))
    for number in numbers
) | {"AM", "PM"}


def shown() -> list[QWidget]:
    """Every widget that can be seen, windows first."""
    tops = [top for top in QApplication.topLevelWidgets() if top.isVisible()]
    return [*tops, *(w for top in tops for w in top.findChildren(QWidget) if w.isVisibleTo(top))]


def said() -> Iterator[Said]:
    """Each text with where it stands."""
    for widget in shown():
        for what in ("accessibleName", "accessibleDescription", "toolTip", "statusTip", "whatsThis"):
            yield widget, what, getattr(widget, what)()
        if widget.isWindow():
            yield widget, "windowTitle", widget.windowTitle()
        yield from ((widget, what, text) for what, text in _own(widget))


def _own(widget: QWidget) -> Iterator[tuple[str, str]]:
    match widget:
        case QLabel() | QAbstractButton():
            yield "text", widget.text()
        case QGroupBox():
            yield "title", widget.title()
        case QLineEdit() | QPlainTextEdit() | QTextEdit():
            yield "placeholder", widget.placeholderText()
        case QComboBox():
            yield "placeholder", widget.placeholderText()
            yield from (("entry", widget.itemText(at)) for at in range(widget.count()))
        case QTabBar():
            for at in range(widget.count()):
                yield from (("tab", text(at)) for text in (widget.tabText, widget.tabToolTip, widget.accessibleTabName))
        case QMenu() | QMenuBar():
            yield from _entries(widget)
        case QHeaderView():
            pass
        case QAbstractItemView() if widget.model() is not None:
            yield from _rows(widget, widget.model())


def _entries(menu: QMenu | QMenuBar) -> Iterator[tuple[str, str]]:
    """Of a menu and those that open from it; a tooltip that nobody gave repeats the text."""
    for action in menu.actions():
        yield from (("entry", text) for text in (action.text().replace("&", ""), action.toolTip().replace("&", "")))
        below = action.menu()
        if isinstance(below, QMenu):
            yield from _entries(below)


def _rows(view: QAbstractItemView, model: QAbstractItemModel) -> Iterator[tuple[str, str]]:
    columns = range(model.columnCount(QModelIndex())) if isinstance(view, QTableView) else range(1)
    for row in range(min(_ROWS, model.rowCount(QModelIndex()))):
        for column in columns:
            yield from (("row", str(model.index(row, column).data(role) or "")) for role in _SPOKEN)
    if isinstance(view, QTableView):
        yield from (("head", str(model.headerData(at, Qt.Orientation.Horizontal) or "")) for at in columns)


def untranslated(written: Collection[Written], content: str) -> list[str]:
    """What stands in no brackets, with where; `content` is all that people and models have written, and names."""
    content = " ".join(content.split())
    found = [*said(), *((one.widget, "drawn", one.text) for one in written)]
    return sorted({f"{path(w)} {what}: {text!r}" for w, what, text in found if _bare(text, content)})


def _bare(text: str, content: str) -> bool:
    """Whether words are left when all is taken away that needs no translation."""
    text = re.sub(r"<[^<>]*>", "", text) if text.startswith(("<p", "<b", "<html", "<qt")) else text
    before = ""
    while before != text:
        before, text = text, _MARKED.sub(" ", text)
    for known in (_SIZE, _KEY):
        text = known.sub(" ", text)
    return any(_WORD.search(part) and not _known(part, content) for part in re.split(r"[·—,…()“”\n\t]|\s{2,}", text))


def _known(part: str, content: str) -> bool:
    part = " ".join(part.replace("\u200b", "").split())  # where a long name may be broken
    return part in content or all(word in _CALENDAR or not _WORD.search(word) for word in re.split(r"[\s,./:]+", part))


def path(widget: QWidget) -> str:
    """Where a widget stands, from its window down."""
    names = []
    here: QWidget | None = widget
    while here is not None:
        names.append(here.objectName() or type(here).__name__)
        here = here.parentWidget()
    return "/".join(reversed(names))
