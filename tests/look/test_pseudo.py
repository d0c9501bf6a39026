"""The made-up language keeps what a translation must keep, and is as long as it says."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication
from pytestqt.qtbot import QtBot

from desktop.services.paths import resources
from desktop.ui import translation
from desktop.ui.translation import _, ngettext
from scripts.messages import messages, placeholders, texts
from tests.look.pseudo import LONGER, PseudoQt
from tests.look.pseudo import pseudo as pseudo_of


def test_every_message_keeps_its_placeholders_and_is_longer() -> None:
    for message in messages():
        for text in texts(message.id) if message.id else []:
            made = pseudo_of(text)
            assert placeholders(made) == placeholders(text)
            assert len(made) >= LONGER * len(text) or "{" in text
            assert made.startswith("[!!")
            assert made.endswith("!!]")
            assert made.count("\n") == text.count("\n")


@given(st.text(st.characters(exclude_characters="{}%&<>\n"), min_size=1))
def test_any_text_gets_longer(text: str) -> None:
    assert len(pseudo_of(text)) >= LONGER * len(text)


def test_nothing_stays_nothing() -> None:
    assert pseudo_of("") == ""


def test_the_program_speaks_it(pseudo: Path) -> None:
    translation.use("en", pseudo)
    try:
        assert _("New chat") == pseudo_of("New chat")
        assert ngettext("{tokens} token", "{tokens} tokens", 2, tokens="2").startswith("[!!2 ")
    finally:
        translation.use("en", resources() / "locale")
    assert _("New chat") == "New chat"


def test_qt_speaks_it(qtbot: QtBot) -> None:
    app, made_up = QCoreApplication.instance(), PseudoQt()
    assert app is not None
    app.installTranslator(made_up)
    try:
        assert QCoreApplication.translate("QPlatformTheme", "Cancel") == pseudo_of("Cancel")
    finally:
        app.removeTranslator(made_up)
    assert ("QPlatformTheme", "Cancel") in made_up.asked
