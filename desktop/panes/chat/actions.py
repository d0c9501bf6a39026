"""What can be done with a message, and what a reply took: the quiet line under each message.

Invariant: every action is a button with a name, reached by the Tab key whether the line is shown or not; the line
always takes its space, so that nothing moves when the pointer passes. The person's own stand beside the bubble where
there is room, so that a question and its answer stay together; one that has versions has them below its right edge.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget

from desktop.panes.chat.body import COPIED_MS, Body
from desktop.panes.chat.message import MessageView, statistics
from desktop.ui import formats, theme
from desktop.ui.buttons import IconButton
from desktop.ui.icons import Icon
from desktop.ui.labels import Elided, Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_MIDDLE = 23  # pixels from a bubble's end to the middle of its last line


class ActionsBody(Body):
    """The buttons and the statistics line of one message."""

    ROLE = QAccessible.Role.Grouping

    outset = theme.XS
    copy = Signal()
    edit = Signal()
    again = Signal()
    go_on = Signal()
    delete = Signal()
    version = Signal(int)

    def __init__(self, look: Theme, room: Callable[[], int], parent: QWidget | None = None) -> None:
        """`room`: pixels that are free left of the person's bubble, once that is laid out."""
        super().__init__(look, parent)
        self._view: MessageView | None = None
        self._hovered = False
        self._room = room
        self._right, self._wide = 0, 0  # where the buttons end left of the bubble, and their width; 0: they do not fit
        self._earlier = IconButton(look, Icon.LEFT, "", self)
        self._count = Label(look, Type.SMALL, Tone.MUTED, self)
        self._count.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._later = IconButton(look, Icon.RIGHT, "", self)
        self._copy = IconButton(look, Icon.COPY, "", self)
        self._edit = IconButton(look, Icon.EDIT, "", self)
        self._again = IconButton(look, Icon.AGAIN, "", self)
        self._delete = IconButton(look, Icon.DELETE, "", self)
        self._go_on = IconButton(look, Icon.CONTINUE, "", self)
        self._statistics = Elided(look, Type.SMALL, Tone.MUTED, self)
        for button, signal in (
            (self._copy, self.copy),
            (self._edit, self.edit),
            (self._again, self.again),
            (self._go_on, self.go_on),
            (self._delete, self.delete),
        ):
            button.clicked.connect(signal)
        self._earlier.clicked.connect(lambda: self._switch(-1))
        self._later.clicked.connect(lambda: self._switch(1))

    def show_actions(self, view: MessageView) -> None:
        self._view = view
        self._earlier.setVisible(view.versions > 1)
        self._later.setVisible(view.versions > 1)
        self._count.setVisible(view.versions > 1)
        self._earlier.setEnabled(view.version > 1 and not view.streaming)
        self._later.setEnabled(view.version < view.versions and not view.streaming)
        for button in (self._copy, self._edit, self._delete):
            button.setVisible(not view.streaming)
        self._again.setVisible((view.reply and not view.streaming) or view.unanswered)
        self._go_on.setVisible(view.can_continue and not view.streaming)
        self.retranslate()
        self._reveal()

    def hover(self, over: bool) -> None:
        """Whether the pointer, or the keyboard, is in the message."""
        self._hovered = over
        self._reveal()

    def copied(self) -> None:
        """Shows that the message is in the clipboard."""
        self._copy.draw(Icon.CHECK)
        self._copy.name(_("Copied"))
        QTimer.singleShot(COPIED_MS, self, self.retranslate)

    def retranslate(self) -> None:
        view = self._view
        if view is None:
            return
        self._copy.draw(Icon.COPY)
        self._copy.name(_("Copy"))
        self._edit.name(_("Edit"))
        self._again.name(_("Regenerate") if view.reply else _("Get a reply"))
        self._go_on.name(_("Continue"))
        self._delete.name(_("Delete"))
        self._earlier.name(_("Earlier version"))
        self._later.name(_("Later version"))
        version, versions = formats.number(view.version), formats.number(view.versions)
        self._count.setText(f"{version}/{versions}")
        self._count.setAccessibleName(_("Version {version} of {versions}", version=version, versions=versions))
        line = (view.status or "…") if view.streaming else statistics(view.message)
        self._statistics.setText(line)
        self._statistics.setToolTip(line)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def fit(self, width: int) -> int:
        line = self.look.px(28)
        shown = [w for w in (*self._buttons(), self._count) if not w.isHidden()]
        wide = {w: self.look.px(32) if w is self._count else w.sizeHint().width() for w in shown}
        turning, doing = (self._earlier, self._count, self._later), self._doing()
        own, total = self._own, sum(wide.values())
        order = [w for w in ((*doing, *turning) if own else (*turning, *doing)) if w in wide]
        self._right = self._room() - theme.XS
        self._wide = total if own and total <= self._right and self._count not in wide else 0
        width += self.outset
        left = width - total if own and not self._wide else 0
        for w in order:
            w.setGeometry(left, 0, wide[w], line)
            left += wide[w]
        gap = theme.S if order else self.outset
        room = max(0, width - left - gap)
        if own or self._statistics.sizeHint().width() <= room:
            self._statistics.setGeometry(left + gap, 0, room, line)
            return 0 if self._wide else line
        below = self._statistics.sizeHint().height()  # the figures have the column for themselves, and are not cut
        self._statistics.setGeometry(self.outset, line, width - self.outset, below)
        return line + below

    def place(self, left: int, top: int, width: int, height: int) -> None:
        """Beside the last line of the bubble above, where the buttons fit there."""
        if not self._wide:
            super().place(left, top, width, height)
            return
        line = self.look.px(28)
        self.setGeometry(left + self._right - self._wide, top - self.look.px(_MIDDLE) - line // 2, self._wide, line)

    def stops(self) -> list[QWidget]:
        return [b for b in self._buttons() if not b.isHidden() and b.isEnabled()]

    def turner(self, step: int) -> IconButton:
        """The button to the version before (-1) or after (1); at the last of them the one that leads back."""
        ways = (self._earlier, self._later) if step < 0 else (self._later, self._earlier)
        return ways[0] if ways[0].isEnabled() else ways[1]

    @property
    def _own(self) -> bool:
        """Whether the person wrote the message, which stands at the right."""
        return self._view is not None and not self._view.reply

    def _doing(self) -> list[IconButton]:
        """What is there only at times stands last, so that nothing else moves."""
        return [self._copy, self._edit, self._again, self._delete, self._go_on]

    def _buttons(self) -> list[IconButton]:
        """In the order in which they stand."""
        turning = [self._earlier, self._later]
        return [*self._doing(), *turning] if self._own else [*turning, *self._doing()]

    def _switch(self, step: int) -> None:
        if self._view is not None:
            self.version.emit(self._view.version + step)

    def _reveal(self) -> None:
        view = self._view
        shown = self._hovered or bool(view and (view.unanswered or (view.reply and (view.last or view.streaming))))
        versions = view is not None and view.versions > 1
        for button in self._buttons():
            button.quiet = not shown and not (versions and button in (self._earlier, self._later))
            button.update()
        self._statistics.setVisible(shown)
