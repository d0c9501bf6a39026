"""The first start: what is read, asked and offered before anything has been done."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit

from tests.flows.driver import tell
from tests.flows.person import Person, until
from tests.flows.program import Program
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository


def words(person: Person) -> str:
    return "\n".join(label.text() for label in person.all(QLabel))


async def ask_the_guide(person: Person) -> None:
    """Reads the greeting, asks one of the questions, and looks at the foot of the window."""
    assert "stays on this computer" in words(person)
    assert "No model is loaded" in words(person)
    await person.press("Does anything I type leave this computer?")
    await until(lambda: len(person.conversation) == 2, lambda: person.conversation)
    await person.answered()
    await until(lambda: "of memory" in foot(person), lambda: words(person))
    tell(foot(person))


def foot(person: Person) -> str:
    """The quiet line at the window's foot."""
    return next((label.text() for label in person.all(QLabel) if label.text().startswith("CPU")), "")


async def get_a_model(person: Person) -> None:
    """Presses the one button; where a model is named, its download stands among the downloads at once."""

    def offers() -> list[QAbstractButton]:
        return [b for b in person.all(QAbstractButton) if b.text().startswith(("Get ", "Find a model"))]

    (offer,) = await until(offers)
    named = offer.text().startswith("Get Mistral 7B Instruct")
    tell(offer.text())
    QTest.mouseClick(offer, Qt.MouseButton.LeftButton)
    if named:
        await until(lambda: "Q4_K_M" in words(person), lambda: words(person))
        tell("Among the downloads")
    else:
        await until(lambda: person.all(QLineEdit, "Search for models"))


def test_the_guide_answers_a_question_that_is_offered(alcove: Program) -> None:
    assert "CPU" in alcove.live(ask_the_guide)


def test_the_button_leads_to_a_model(alcove: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer({MISTRAL_REPO: bloke_repository(tmp_path)}) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        said = alcove.live(get_a_model)
        assert "Among the downloads" in said or "Get Mistral" not in said
        assert any(MISTRAL_REPO in request.path for request in hub.received["hub"]) is ("Get Mistral" in said)
