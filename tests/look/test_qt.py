"""What Qt itself says is said in the person's language: buttons of boxes, menus of fields, the dialogue for files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import PySide6
import pytest
from PySide6.QtCore import QLibraryInfo
from PySide6.QtWidgets import QDialogButtonBox, QFileDialog, QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from desktop.services.paths import resources
from desktop.ui import translation

LOCALE = resources() / "locale"
SAME = {"ko": frozenset[str](), "it": frozenset({"OK", "No"})}


@pytest.fixture
def english(qtbot: QtBot) -> Iterator[list[str]]:
    translation.use("en", LOCALE)
    yield _said(qtbot)
    translation.use("en", LOCALE)


def _said(qtbot: QtBot) -> list[str]:
    """What boxes, fields and the dialogue for files say, always in the same order."""
    box = QDialogButtonBox()
    buttons = [box.addButton(button) for button in QDialogButtonBox.StandardButton if button.value and _one(button)]
    line, lines = QLineEdit(), QPlainTextEdit()
    files = QFileDialog()
    files.setOption(QFileDialog.Option.DontUseNativeDialog)
    widgets: list[QWidget] = [box, line, lines, files]
    for widget in widgets:
        qtbot.addWidget(widget)
    menus = [line.createStandardContextMenu(), lines.createStandardContextMenu()]
    entries = [action.text().split("\t")[0] for menu in menus for action in menu.actions()]
    for menu in menus:
        qtbot.addWidget(menu)
    labels = [label.text() for label in files.findChildren(QLabel)]
    texts = [*(button.text() for button in buttons), *entries, *labels]
    return [text.replace("&", "").strip() for text in texts if any(c.isalpha() for c in text)]


def _one(button: QDialogButtonBox.StandardButton) -> bool:
    """Neither a mask nor a second name of another."""
    return bin(button.value).count("1") == 1


@pytest.mark.parametrize("language", ["ko", "it"])
def test_qt_speaks_the_language(qtbot: QtBot, english: list[str], language: str) -> None:
    assert translation.use(language, LOCALE) == language
    here = _said(qtbot)
    assert len(english) > 20
    assert len(here) == len(english)
    same = {mine for mine, theirs in zip(here, english, strict=True) if mine == theirs}
    assert same <= SAME[language]


@pytest.mark.parametrize("language", ["ko", "it"])
def test_the_catalogues_lie_where_a_bundle_keeps_them(language: str) -> None:
    """Below Qt itself: whoever packs Qt with its folder of translations has packed them, and Qt finds them there."""
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath))
    assert folder.is_relative_to(Path(PySide6.__file__).parent)
    assert (folder / f"qtbase_{language}.qm").stat().st_size > 10_000
