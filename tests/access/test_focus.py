"""The focus is never lost: after whatever is done by keys, it is on something that can be seen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication

from tests.access import order, places
from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import Program


async def lose_nothing(person: Person, model: str, chat: str) -> None:
    """What is done by keys, one thing after the other; the focus is on something that can be seen after each."""
    control = Qt.KeyboardModifier.ControlModifier
    await person.bring(Path(model))
    person.drop([Path(chat)])
    await person.press("Models")
    await until(lambda: any("Everything" in row for row in person.rows()))
    await person.active()
    for number in (1, 2, 3, 4, 1):
        person.key(Qt.Key(Qt.Key.Key_0 + number), control)
        tell_where(f"pane {number}")
    person.key(Qt.Key.Key_F, control)
    tell_where("search")
    person.key(Qt.Key.Key_B, control)
    tell_where("folded")
    person.key(Qt.Key.Key_B, control)
    rows = person.list("Chats")
    rows.setFocus()
    rows.setCurrentIndex(rows.model().index(1, 0))
    person.key(Qt.Key.Key_Delete)
    await until(lambda: person.sees("Undo"))
    tell_where("deleted")
    undo = next(b for b in person.all(QAbstractButton, "Undo"))
    undo.setFocus()
    person.key(Qt.Key.Key_Space)
    await until(lambda: not person.sees("Undo"))
    tell_where("undone")


def tell_where(action: str) -> None:
    here = QApplication.focusWidget()
    if here is None or not order.in_view(here):
        tell(f"{action}: the focus is on {here and order.called(here)}")


def test_the_focus_is_never_lost(alcove: Program, brief: Path, tmp_path: Path) -> None:
    chat = places.chat_file(tmp_path / "all.json", brief.stem)
    assert alcove.live(lose_nothing, brief, chat).splitlines() == []
