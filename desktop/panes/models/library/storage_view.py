"""Where the models lie and what they take: the folder, copies of the same model, models of other applications.

Invariant: it shows what the last survey found and asks for a new one when it comes into view; nothing is deleted from
here but by way of the bin.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop.core.errors import N_, UserError
from desktop.panes.models.fit_panel import Items
from desktop.panes.models.library.details import Pairs
from desktop.panes.models.library.storage_bar import free, held
from desktop.panes.models.library.upkeep import Copies, Found, Upkeep, Usage
from desktop.panes.models.meter import Meter
from desktop.panes.models.parts import Kind
from desktop.panes.models.plate import Plate
from desktop.panes.models.strip import Strip
from desktop.ui import formats, theme
from desktop.ui.bars import Bar
from desktop.ui.column import Column
from desktop.ui.flow import Flow
from desktop.ui.forms import WIDTH
from desktop.ui.labels import Label, Tone
from desktop.ui.theme import Theme, Type
from desktop.ui.translation import _

_NO_FOLDER = N_("The folder “{path}” could not be opened. You can open it in your file manager.")


class StorageView(Column):
    chosen = Signal(str)  # the id of a model to look at
    closed = Signal()

    def __init__(self, look: Theme, upkeep: Upkeep, bar: Bar) -> None:
        super().__init__(look, WIDTH)
        self._upkeep, self._bar = upkeep, bar
        self._title = Label(look, Type.TITLE)
        self._back = QPushButton()
        self._back.clicked.connect(self.closed)
        self.setFocusProxy(self._back)
        self._meter, self._models = Meter(look), Items(look)
        self._usage = Pairs(look)
        self._open, self._move = QPushButton(), QPushButton()
        self._open.clicked.connect(self._open_folder)
        self._move.clicked.connect(self._ask_folder)
        self._strip = Strip(look)
        self._strip.cancelled.connect(upkeep.cancel)
        self._others = Section(look)
        self._copies = Section(look)
        self._arrange()
        upkeep.surveyed.connect(self.refresh)
        upkeep.moving.connect(self._show_moving)
        self.retranslate()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._title)
        head.addStretch()
        head.addWidget(self._back)
        buttons = Flow(theme.S)
        buttons.addWidget(self._open)
        buttons.addWidget(self._move)
        self.lines.addLayout(head)
        plate = Plate(self._look)
        plate.hold(self._meter, self._models, self._usage)
        self.lines.addWidget(plate)
        self.lines.addLayout(buttons)
        for part in (self._strip, self._others, self._copies):
            self.lines.addWidget(part)
        self.lines.addStretch()

    def refresh(self) -> None:
        """Shows what the last survey found."""
        self._usage.show_pairs([(_("Folder"), str(self._upkeep.folder), ""), *_usage(self._upkeep.usage)])
        parts = held(self._upkeep)
        whole = sum(part.octets for part in parts if part.kind is not Kind.FREE)
        said = _("{size} used", size=formats.size(whole))
        self._meter.put(parts, 0, Tone.ACCENT, " · ".join(filter(None, (said, free(self._upkeep)))))
        self._models.put([(part.kind, part.name, formats.size(part.octets)) for part in parts], Tone.ACCENT)
        for widget in (self._meter, self._models):
            widget.setVisible(bool(parts))
        found = self._upkeep.findings.found
        self._others.put(
            _("Found in other applications"),
            _("They can be used where they are, without a copy. Alcove never changes or deletes them."),
            [_Line(_found_name(one), _found_facts(one), _("Add"), partial(self._upkeep.link, (one,))) for one in found],
        )
        self._others.offer(_("Add all") if len(found) > 1 else "", partial(self._upkeep.link, found))
        copies = self._upkeep.copies
        self._copies.put(
            _("The same model more than once"),
            _("Look at one of them to move it to the bin."),
            [self._copied(one) for one in copies],
        )

    def retranslate(self) -> None:
        self._title.setText(_("Storage"))
        self._back.setText(_("Done"))
        self._open.setText(_("Open the folder"))
        self._move.setText(_("Move the folder…"))
        self.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        self._upkeep.survey()
        super().showEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.LanguageChange:
            self.retranslate()

    def _copied(self, copies: Copies) -> _Line:
        names = ", ".join(model.name for model in copies.models)
        spare = _("{size} would be freed", size=formats.size(copies.spare)) if copies.spare else _("no space is lost")
        sure = "" if copies.certain else _("very likely the same; verify them to be sure")
        facts = " · ".join(filter(None, (spare, sure)))
        return _Line(names, facts, _("Look"), partial(self.chosen.emit, copies.models[-1].id))

    def _show_moving(self, fraction: float | None) -> None:
        self._strip.put(fraction, _("Moving your models…"))
        self._move.setEnabled(fraction is None)

    def _open_folder(self) -> None:
        folder = self._upkeep.folder
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._bar.warn(UserError(_NO_FOLDER, path=str(folder)))

    def _ask_folder(self) -> None:
        dialog = QFileDialog(self, _("Move the models to"), str(self._upkeep.folder.parent))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self._upkeep.move(Path(name)))
        dialog.open()


class _Line:
    """What stands in one line of a section: a name, facts, and what a button beside them does."""

    def __init__(self, name: str, facts: str, label: str, act: partial[None]) -> None:
        self.name, self.facts, self.label, self.act = name, facts, label, act


class Section(QWidget):
    """A heading, a sentence, and lines; hidden where there are none."""

    def __init__(self, look: Theme) -> None:
        super().__init__()
        self._look = look
        self._heading = Label(look, Type.HEADING)
        self._about = Label(look, Type.SMALL, Tone.MUTED, wrap=True)
        self._all = QPushButton()
        self._act: partial[None] | None = None
        self._all.clicked.connect(lambda: self._act and self._act())
        self._made: list[QWidget] = []
        head = QHBoxLayout()
        head.addWidget(self._heading, 1)
        head.addWidget(self._all)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, theme.L, 0, 0)
        self._column.setSpacing(theme.S)
        self._column.addLayout(head)
        self._column.addWidget(self._about)
        self.offer("")

    def offer(self, label: str, act: partial[None] | None = None) -> None:
        """A button for all lines at once; "" for none."""
        self._act = act
        self._all.setText(label)
        self._all.setVisible(bool(label))

    def put(self, heading: str, about: str, lines: list[_Line]) -> None:
        for widget in self._made:
            self._column.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
        self._heading.setText(heading)
        self._about.setText(about)
        self._made = [self._line(line) for line in lines]
        self.setVisible(bool(lines))

    def _line(self, line: _Line) -> QWidget:
        holder = QWidget()
        words = QVBoxLayout()
        words.setSpacing(0)
        name = Label(self._look, wrap=True, selectable=True)
        name.setText(line.name)
        facts = Label(self._look, Type.SMALL, Tone.MUTED, wrap=True, selectable=True)
        facts.setText(line.facts)
        words.addWidget(name)
        words.addWidget(facts)
        button = QPushButton(line.label)
        button.setAccessibleName(f"{line.label}: {line.name}")
        button.clicked.connect(lambda: line.act())
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.M)
        row.addLayout(words, 1)
        row.addWidget(button)
        self._column.addWidget(holder)
        return holder


def _usage(usage: Usage | None) -> list[tuple[str, str, str]]:
    if usage is None:
        return []
    rows = [
        (_("Models in it"), usage.owned, ""),
        (_("Linked models elsewhere"), usage.linked, ""),
    ]
    return [(label, formats.size(octets), about) for label, octets, about in rows if octets]


def _found_name(found: Found) -> str:
    return found.name


def _found_facts(found: Found) -> str:
    parts = (found.application, formats.size(found.size), found.quantisation, str(found.path))
    return " · ".join(part for part in parts if part)
