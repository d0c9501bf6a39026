"""An input method as a script plays it: the events that a field gets, in the orders in which systems send them.

Invariant: it speaks to the field that has the focus, as a system does, and only by events; what the program asks of the
system's input method (finish, forget) it does. Nothing is known of what a field is for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent, QTextCharFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

_LEADS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _VOWELS, _FINALS = 0xAC00, 21, 28


def steps(syllable: str) -> list[str]:
    """How a Hangul syllable comes about, jamo by jamo: "한" by "ㅎ", "하", "한"; anything else at once."""
    code = ord(syllable) - _FIRST
    if len(syllable) != 1 or not 0 <= code < len(_LEADS) * _VOWELS * _FINALS:
        return [syllable]
    lead, open_ = _LEADS[code // (_VOWELS * _FINALS)], chr(_FIRST + code - code % _FINALS)
    return [lead, open_, syllable] if code % _FINALS else [lead, open_]


@dataclass(frozen=True, slots=True)
class System:
    """How one system's input method speaks. `together`: a commit and what follows come in one event.

    `enter`: what becomes of an Enter that ends a composition: the commit, "then the key", the commit and "no key", or
    "key first". `cleared`: an event that nothing is composed any more follows each commit. `late`: what the program
    asks for is done when the loop runs next.
    """

    name: str
    together: bool = True
    enter: str = "then the key"
    cleared: bool = False
    late: bool = False


MAC = System("macos")
WINDOWS = System("windows", together=False)
IBUS = System("ibus", together=False, cleared=True)
FCITX = System("fcitx", cleared=True)
JAPANESE = System("swallows", enter="no key")
FIRST = System("key first", enter="key first")
LATE = System("late", enter="key first", late=True)
SYSTEMS = (MAC, WINDOWS, IBUS, FCITX, JAPANESE, FIRST, LATE)


class InputMethod:
    """Stands for `QGuiApplication.inputMethod()`."""

    def __init__(self, system: System = MAC) -> None:
        self.system = system
        self.preedit = ""
        self._field: Any = None  # where that is shown

    # -- what the program may ask ------------------------------------------------------------------------------------

    def commit(self) -> None:
        if self.preedit and not self.system.late:
            self.finish()

    def reset(self) -> None:
        self.preedit, self._field = "", None

    # -- what the person does ----------------------------------------------------------------------------------------

    def compose(self, text: str) -> None:
        """Types it; the last syllable is left as it is being composed."""
        for syllable in text:
            for at, step in enumerate(steps(syllable)):
                if at or not self.preedit:
                    self.show(step)
                elif self.system.together:
                    self._send(step, self.preedit)
                else:
                    self._send("", self.preedit)
                    self.show(step)

    def write(self, text: str) -> None:
        """Types it, and ends the composition by something that does nothing else."""
        self.compose(text)
        self.finish()

    def show(self, preedit: str) -> None:
        self._send(preedit, "")

    def finish(self) -> None:
        """What is being composed becomes text."""
        if self.preedit:
            field = self._field
            self._send("", self.preedit)
            if self.system.cleared:
                self._field = field
                self._send("", "")

    def enter(self, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """Enter, which ends a composition first."""
        composing, way = bool(self.preedit), self.system.enter
        if composing and way != "key first":
            self.finish()
        if not composing or way != "no key":
            QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return, modifier)
        self.finish()

    def replace(self, text: str, start: int, length: int) -> None:
        """What was written becomes something else: `start` from the caret."""
        event = QInputMethodEvent("", [])
        event.setCommitString(text, start, length)
        QApplication.sendEvent(QApplication.focusWidget(), event)

    def _send(self, preedit: str, commit: str) -> None:
        underlined = QTextCharFormat()
        underlined.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
        kind = QInputMethodEvent.AttributeType
        length = len(preedit.encode("utf-16-le")) // 2
        about = [
            QInputMethodEvent.Attribute(kind.TextFormat, 0, length, underlined),
            QInputMethodEvent.Attribute(kind.Cursor, length, 1, None),
        ]
        event = QInputMethodEvent(preedit, about if preedit else [])
        event.setCommitString(commit)
        field = self._field or QApplication.focusWidget()
        assert field is not None, "nothing has the focus"
        self.preedit, self._field = preedit, field if preedit else None
        QApplication.sendEvent(field, event)
