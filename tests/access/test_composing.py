"""Every kind of text field under the input methods of every system: nothing is lost, doubled, or taken by half."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.core.chat import Opening
from desktop.core.settings import BY_KEY
from desktop.panes.chat.composer import Composer
from desktop.panes.chat.header import TitleField
from desktop.panes.chat.opening import OpeningDialog
from desktop.panes.chat.revision import EditorBody
from desktop.panes.chat.sidebar import SearchField
from desktop.panes.help.controller import HelpController
from desktop.panes.help.view import HelpView
from desktop.panes.models.find.gate import Gate
from desktop.panes.models.library.details import NameField
from desktop.services.help import Help
from desktop.ui.fields import TextsField
from tests.access.method import LATE, SYSTEMS, InputMethod, System

HELLO = "안녕하세요"
ALL = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
CONTROL = Qt.KeyboardModifier.ControlModifier


def _help(look: Any) -> QWidget:
    return HelpView(look, HelpController(Help(Path("nowhere"))))


def _name(look: Any) -> QWidget:
    name = NameField(look)
    name.edit()
    return name


_MADE: dict[str, tuple[Callable[[Any], QWidget], type[QWidget]]] = {
    "message": (Composer, QPlainTextEdit),
    "message edited": (EditorBody, QPlainTextEdit),
    "search for chats": (lambda _look: SearchField(), QLineEdit),
    "title": (lambda _look: TitleField(), QLineEdit),
    "instruction": (lambda look: OpeningDialog(look, Opening(), lambda *_: None), QPlainTextEdit),
    "stop strings": (lambda look: TextsField(look, BY_KEY["stop"]), QPlainTextEdit),
    "token": (Gate, QLineEdit),
    "model's name": (_name, QLineEdit),
    "search in help": (_help, QLineEdit),
}


@dataclass
class Place:
    """A field in a window, beside another one."""

    window: QWidget
    field: Any
    other: QLineEdit
    method: InputMethod

    @property
    def text(self) -> str:
        return self.field.toPlainText() if isinstance(self.field, QPlainTextEdit) else self.field.text()

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """A key that types nothing: the input method ends what it is at, and lets it through."""
        self.method.finish()
        QTest.keyClick(self.field, key, modifier)


@pytest.fixture(params=list(_MADE))
def place(request: pytest.FixtureRequest, qtbot: Any, look: Any, play: Any) -> Callable[[System], Place]:
    make, kind = _MADE[request.param]
    window = QWidget()
    qtbot.addWidget(window)
    line = QVBoxLayout(window)
    made, other = make(look), QLineEdit()
    line.addWidget(made)
    line.addWidget(other)
    window.resize(700, 500)
    window.show()
    window.activateWindow()
    within = [made] if isinstance(made, kind) else made.findChildren(kind)
    field: Any = next(field for field in within if not field.isReadOnly())
    field.setEchoMode(QLineEdit.EchoMode.Normal) if isinstance(field, QLineEdit) else None
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    return lambda system: Place(window, field, other, play(system))


@ALL
def test_what_is_composed_jamo_by_jamo_is_there_once(place: Any, system: System) -> None:
    at = place(system)
    at.method.compose(HELLO)
    assert at.text == HELLO[:-1]  # the last syllable may still change
    at.method.finish()
    assert at.text == HELLO


@ALL
def test_an_enter_that_ends_the_composition_leaves_it_whole(place: Any, system: System) -> None:
    at = place(system)
    at.method.compose(HELLO)
    if system.enter != "then the key":  # else the key may do what it does in this field
        at.method.enter()
        assert at.text == HELLO
        assert at.field.isVisible()


@ALL
def test_a_field_that_is_left_keeps_all(place: Any, system: System) -> None:
    at = place(system)
    at.method.compose(HELLO)
    at.other.setFocus()
    at.method.finish()  # what had not been asked for in time
    assert at.text == HELLO
    assert at.other.text() == ""


def test_the_caret_moves_before_what_was_composed(place: Any) -> None:
    at = place(SYSTEMS[0])
    at.method.compose("세요")
    at.key(Qt.Key.Key_Home)
    at.method.write("안녕하")
    assert at.text == HELLO
    at.key(Qt.Key.Key_Left)
    at.method.compose("아")
    at.method.finish()
    assert at.text == "안녕아하세요"


def test_a_click_elsewhere_in_the_field_ends_the_composition(place: Any) -> None:
    at = place(SYSTEMS[0])
    at.method.compose(HELLO)
    at.method.finish()  # Qt asks for it, where it is not heard here
    under = at.field.viewport() if isinstance(at.field, QPlainTextEdit) else at.field
    QTest.mouseClick(under, Qt.MouseButton.LeftButton, pos=QPoint(8, under.height() // 2))
    at.method.write("네")
    assert sorted(at.text) == sorted(HELLO + "네")


@ALL
def test_pasting_while_composing_loses_nothing(place: Any, system: System) -> None:
    at = place(system)
    QApplication.clipboard().setText("(붙임)")
    at.method.compose("안녕")
    at.field.paste()
    at.method.finish()
    assert at.text in ("안녕(붙임)", "안(붙임)녕")


@ALL
def test_what_was_composed_is_taken_back_and_done_again(place: Any, system: System) -> None:
    at = place(system)
    at.method.write("안녕")
    at.method.compose("하")
    at.key(Qt.Key.Key_Z, CONTROL)
    assert "안녕하".startswith(at.text)
    assert at.text != "안녕하"
    for _step in range(5):
        at.field.redo()
    assert at.text == "안녕하"


def test_dead_keys_emoji_and_what_is_replaced(place: Any) -> None:
    at = place(SYSTEMS[0])
    at.method.show("´")
    at.method.show("")
    at.method.write("perch")
    for accent, letter in (("´", "é"), ("`", "ò")):
        at.method.show(accent)
        at.method._send("", letter)
    assert at.text == "perchéò"
    at.method._send("", "👩‍👩‍👧😀")
    assert at.text == "perchéò👩‍👩‍👧😀"
    at.key(Qt.Key.Key_Backspace)
    assert at.text == "perchéò👩‍👩‍👧"
    at.method.replace("", -len("👩‍👩‍👧".encode("utf-16-le")) // 2, len("👩‍👩‍👧".encode("utf-16-le")) // 2)
    at.method.replace("韓", -1, 1)  # Hangul becomes Hanja so
    assert at.text == "perché韓"


def test_an_escape_while_composing_is_the_input_methods(place: Any) -> None:
    at = place(LATE)
    at.method.compose(HELLO)
    QTest.keyClick(at.field, Qt.Key.Key_Escape)
    at.method.finish()
    assert at.text == HELLO
    assert at.field.isVisible()


def test_a_composition_that_is_given_up_leaves_nothing(place: Any) -> None:
    at = place(SYSTEMS[0])
    at.method.compose("안녕")
    at.method.show("")
    assert at.text == "안"
