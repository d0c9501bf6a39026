"""The empty chat: what it says, asks and offers, with the guide and with a model of the library."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from desktop.core.errors import UserError
from desktop.core.fit import Verdict
from desktop.panes.chat.fitness import Fitness, Suggestion
from desktop.panes.chat.welcome import Welcome
from desktop.services.paths import resources
from desktop.ui import translation
from desktop.ui.theme import Theme

MISTRAL = Suggestion("Mistral 7B Instruct v0.1", 4_370_000_000, "TheBloke/Mistral-7B-Instruct-v0.1-GGUF", "Q4_K_M")


@pytest.fixture
def welcome(qtbot, look: Theme) -> Iterator[Welcome]:
    made = Welcome(look)
    qtbot.addWidget(made)
    made.resize(760, 600)
    made.show()
    yield made
    made.close()


def words(welcome: Welcome) -> str:
    said = [label.text() for label in welcome.findChildren(QLabel) if not label.isHidden()]
    return "\n".join(said).replace("\u200b", "")


def test_the_first_start_greets_and_says_what_stays_here(welcome: Welcome) -> None:
    assert "Welcome to Alcove" in words(welcome)
    assert "stays on this computer.\nAlcove goes online only" in words(welcome)
    assert [card.text()[-1] for card in welcome.examples] == ["?", "?", "?"]


def click(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_without_a_suggestion_the_button_leads_to_the_search(qtbot, welcome: Welcome) -> None:
    welcome.suggest(None)
    assert welcome.search.text() == "Find a model…"
    assert not welcome.others.isVisible()
    with qtbot.waitSignal(welcome.find_wanted) as told:
        click(welcome.search)
    assert told.args == [None]


def test_the_button_gets_what_it_names_and_another_leads_to_the_choices(qtbot, welcome: Welcome) -> None:
    welcome.suggest(MISTRAL)
    assert welcome.search.text() == "Get Mistral 7B Instruct v0.1 (4.4 GB)"
    with qtbot.waitSignal(welcome.get_wanted) as told:
        click(welcome.search)
    assert told.args == [MISTRAL]
    with qtbot.waitSignal(welcome.find_wanted) as told:
        click(welcome.others)
    assert told.args == [MISTRAL]


def test_while_it_begins_a_second_click_does_nothing(qtbot, welcome: Welcome) -> None:
    welcome.suggest(MISTRAL)
    welcome.wait()
    assert welcome.search.text() == "Starting the download…"
    with qtbot.assertNotEmitted(welcome.get_wanted):
        click(welcome.search)


def test_what_hinders_a_download_is_said_and_it_can_be_tried_again(qtbot, welcome: Welcome) -> None:
    welcome.suggest(MISTRAL)
    welcome.wait()
    welcome.refuse(UserError("The disk has {free} free.", free="1 GB"))
    assert "The disk has 1 GB free." in words(welcome)
    assert welcome.search.accessibleDescription() == "The disk has 1 GB free."
    assert welcome.search.text() == "Try again"
    with qtbot.waitSignal(welcome.get_wanted):
        click(welcome.search)


def test_without_a_network_the_button_says_so(welcome: Welcome) -> None:
    welcome.suggest(replace(MISTRAL, refused="Alcove is offline."))
    assert "Alcove is offline." in words(welcome)
    assert welcome.search.accessibleDescription() == "Alcove is offline."
    assert welcome.others.isEnabled()  # the shelf needs no network


def test_what_is_on_its_way_is_led_to(qtbot, welcome: Welcome) -> None:
    welcome.suggest(replace(MISTRAL, coming=True))
    assert "is being downloaded" in words(welcome)
    with qtbot.waitSignal(welcome.coming_wanted), qtbot.assertNotEmitted(welcome.get_wanted):
        click(welcome.search)


def test_a_model_of_the_library_is_offered_to_talk_to(qtbot, welcome: Welcome) -> None:
    welcome.suggest(Suggestion("Mistral 7B", 4_370_000_000, here=True))
    assert welcome.search.text() == "Chat with Mistral 7B"
    assert "questions about everything" in welcome.search.accessibleDescription()
    with qtbot.waitSignal(welcome.chat_wanted) as told, qtbot.assertNotEmitted(welcome.get_wanted):
        click(welcome.search)
    assert told.args == ["Mistral 7B"]
    assert welcome.others.text() == "Find a model…"
    with qtbot.waitSignal(welcome.find_wanted) as told:
        click(welcome.others)
    assert told.args == [None]


def test_a_long_name_is_shortened_in_the_button_and_whole_elsewhere(welcome: Welcome, look: Theme) -> None:
    name = "Meta-Llama-3.1-8B-Instruct-" + "abliterated-" * 9 + "Q4_K_M"
    welcome.suggest(Suggestion(name, 4_370_000_000, here=True))
    assert "…" in welcome.search.text()
    assert welcome.search.sizeHint().width() < welcome.width() / 2
    shown = welcome.search.text()
    look.use("light", 200)
    assert len(welcome.search.text()) < len(shown)
    look.use("light", 100)
    assert welcome.search.text() == shown
    assert (welcome.search.toolTip(), welcome.search.accessibleName()) == (name, f"Chat with {name}")
    welcome.suggest(MISTRAL)
    assert welcome.search.accessibleName() == ""


def test_it_asks_for_another_suggestion_whenever_it_comes_and_never_while_it_is_seen(qtbot, welcome: Welcome) -> None:
    told: list[bool] = []
    welcome.appeared.connect(lambda: told.append(True))
    welcome.suggest(MISTRAL)
    welcome.show_model(True, "Guide")
    assert told == []
    welcome.hide()
    welcome.show()
    assert told == [True]
    welcome.hide()
    welcome.wait()  # for the download to begin
    welcome.show()
    assert told == [True]


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Space])
def test_a_question_is_asked_by_keys(qtbot, welcome: Welcome, key: Qt.Key) -> None:
    with qtbot.waitSignal(welcome.asked) as told:
        QTest.keyClick(welcome.examples[1], key)
    assert told.args == ["Which model suits my computer?"]


def test_the_focus_and_the_pointer_are_seen_on_a_card(qtbot, welcome: Welcome) -> None:
    card = welcome.examples[0]

    def drawn() -> QImage:
        return card.grab().toImage()

    calm = drawn()
    welcome.activateWindow()
    card.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(card.hasFocus)
    assert drawn() != calm


def test_with_a_model_there_are_its_name_and_its_fit_and_no_questions(welcome: Welcome) -> None:
    welcome.show_model(False, "mistral-7b-instruct-v0.1.Q4_K_M", "Q4_K_M · 4.4 GB")
    welcome.show_fit(Fitness(Verdict.TIGHT, 5_100_000_000, 5_600_000_000))
    assert "mistral-7b-instruct-v0.1.Q4_K_M" in words(welcome)
    assert "Q4_K_M · 4.4 GB" in words(welcome)
    assert "It just fits." in words(welcome)
    assert "5.1 GB, and 5.6 GB are available" in words(welcome)
    assert not any(card.isVisible() for card in welcome.examples)
    assert not welcome.search.isVisible()
    welcome.show_model(True, "Guide")
    assert "It just fits." not in words(welcome)
    assert welcome.search.isVisible()


@pytest.mark.parametrize("percent", [100, 200])
def test_nothing_is_wider_than_a_narrow_window(welcome: Welcome, look: Theme, percent: int) -> None:
    look.use("light", percent)
    welcome.suggest(MISTRAL)
    welcome.show_model(False, "a-very-long-name-of-a-model-that-somebody-has-given-it-in-a-hurry.Q4_K_M" * 2)
    for guide in (False, True):
        if guide:
            welcome.show_model(True, "Guide")
        welcome.resize(664, welcome.heightForWidth(664))
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
        for part in welcome.findChildren(QLabel) + welcome.examples:
            if part.isVisible():
                assert welcome.rect().contains(part.geometry())
                assert part.height() >= part.heightForWidth(part.width())


def test_a_question_that_is_long_gets_a_second_line(welcome: Welcome) -> None:
    card = welcome.examples[0]
    assert card.heightForWidth(160) > card.heightForWidth(500)


def test_it_speaks_another_language_at_once(welcome: Welcome) -> None:
    translation.use("ko", resources() / "locale")
    try:
        QApplication.sendEvent(welcome, QEvent(QEvent.Type.LanguageChange))
        assert welcome.examples[0].text() == "더 큰 모델은 어떻게 받나요?"
    finally:
        translation.use("en", resources() / "locale")
