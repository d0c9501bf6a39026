"""What the palette finds by everyday words, in every language of the window, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from desktop.app import words
from desktop.app.finder import Finder, Ways
from desktop.core.chat import Chat
from desktop.core.levels import Level, rows_for
from desktop.services.help import Help
from desktop.services.paths import resources
from desktop.ui import translation
from desktop.ui.menus import Command
from desktop.ui.palette import Palette
from desktop.ui.shell import PANES
from desktop.ui.window import MainWindow, Place

LANGUAGES = ("en", "ko", "it")
Speak = Callable[..., Palette]


@pytest.fixture
def speak(qtbot, look) -> Iterator[Speak]:
    """Opens the palette of a window in a language, with as many chats as are wanted."""

    def opened(language: str, titles: tuple[str, ...] = ()) -> Palette:
        translation.use(language, resources() / "locale")
        window = MainWindow(look, PANES, Place(dict, lambda _place: None), lambda: None)
        qtbot.addWidget(window)
        window.show()
        chats = [Chat(str(n), title, 0.0, float(n)) for n, title in enumerate(titles)]
        chat = SimpleNamespace(models=[], listing=SimpleNamespace(chats=chats))
        preferences = SimpleNamespace(values=lambda: {"appearance": "light"})
        alcove = SimpleNamespace(help=Help(resources()), preferences=preferences)
        tasks = SimpleNamespace(spawn=lambda work: work.close())
        Finder(look, window, chat, alcove, tasks, Ways(print, print, print, print, print), []).toggle()
        found = window.findChild(Palette)
        assert found is not None
        return found

    yield opened
    translation.use("en", resources() / "locale")


def keys(palette: Palette, typed: str) -> list[str]:
    palette.field.setText(typed)
    return [row.offer.key for row in palette.rows.all if row.offer is not None]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("dark", "setting appearance"),
        ("dark", "choice appearance dark"),
        ("dark mode", "choice appearance dark"),
        ("theme", "setting appearance"),
        ("delete", "command Move to bin"),
        ("bin", "command Move to bin"),
        ("trash", "command Move to bin"),
        ("quit", "command Quit"),
        ("exit", "command Quit"),
        ("font", "command Larger text"),
        ("bigger text", "command Larger text"),
        ("language", "setting language"),
        ("korean", "setting language"),
        ("korean", "choice language ko"),
        ("한국어", "choice language ko"),
        ("italiano", "setting language"),
        ("download", "downloads"),
        ("preferences", "pane settings"),
        ("설정", "pane settings"),
        ("impostazioni", "pane settings"),
        ("새 대화", "command New chat"),
        ("internet", "setting offline"),
    ],
)
def test_everyday_words_and_names_of_any_language_are_found(speak: Speak, language: str, typed: str, key: str) -> None:
    assert key in keys(speak(language), typed)[:3]


@pytest.mark.parametrize(
    ("language", "typed", "key"),
    [
        ("ko", "배경색", "setting appearance"),
        ("it", "sfondo nero", "setting appearance"),
        ("it", "caratteri", "command Larger text"),
        ("it", "ingrandire", "command Larger text"),
        ("it", "ingrandiamo", "command Larger text"),
        ("it", "elimina", "command Move to bin"),
        ("it", "eliminare", "command Move to bin"),
        ("ko", "삭제", "command Move to bin"),
        ("en", "enlarging", "command Larger text"),
    ],
)
def test_other_forms_of_everyday_words_are_found_before_pages(
    speak: Speak, language: str, typed: str, key: str
) -> None:
    found = keys(speak(language), typed)
    assert key in found[:4]
    assert not any(other.startswith("page ") for other in found[: found.index(key)])


def test_a_choice_stands_before_its_setting_and_the_one_in_force_is_not_offered(speak: Speak) -> None:
    palette = speak("en")
    assert keys(palette, "dark")[:2] == ["choice appearance dark", "setting appearance"]
    assert "choice appearance light" not in keys(palette, "light")


def test_everything_that_is_named_here_is_there() -> None:
    assert set(words.PANES) == {pane.name for pane in PANES}
    rows = rows_for(Level.ALL)
    assert set(words.SETTINGS) <= {row.key for row in rows}
    assert set(words.CHOICES) <= {choice.value for row in rows for choice in row.choices}
    assert set(Command) - set(words.COMMANDS) == {
        *(Command.PALETTE, Command.NEXT_CHAT, Command.PREVIOUS_CHAT),  # their names are the words people know
    }


def test_a_word_that_is_not_shown_needs_two_keys(speak: Speak) -> None:
    palette = speak("en")
    assert "command Move to bin" in keys(palette, "tr")
    assert "command Move to bin" not in keys(palette, "x")


def test_five_thousand_chats_are_looked_through_between_two_frames(speak: Speak) -> None:
    """The time of this thread, of the best of three: other programs may be at work."""
    parts = (
        "recipe for",
        "김치찌개",
        "letter to the",
        "landlord",
        "ragù",
        "quantum",
        "여행 계획",
        "tax",
        "Python list",
    )
    titles = tuple(f"{parts[n % 9]} {parts[n // 9 % 9]} {parts[n // 81 % 9]} {n}" for n in range(5000))
    palette = speak("en", titles)
    for typed in ("t", "re", "rec", "land let", "ㄱ", "김치", "ㅇㅎㄱㅎ", "quantum tax", "zzz"):
        spent = []
        for _ in range(3):
            palette.field.clear()
            begun = time.thread_time()
            palette.field.setText(typed)
            spent.append(time.thread_time() - begun)
        assert min(spent) < 0.016, typed
    assert keys(palette, "quantum tax 4999") == []
    assert keys(palette, f"{titles[4321]}")[0] == "chat 4321"


def test_what_is_found_does_not_depend_on_how_it_was_typed(speak: Speak) -> None:
    palette = speak("en", tuple(f"letter {n} to the landlord" for n in range(600)))
    for n in range(1, len("letter 599 to") + 1):
        step = keys(palette, "letter 599 to"[:n])
    palette.field.clear()
    assert keys(palette, "letter 599 to") == step
    assert step[0] == "chat 599"
    assert "command New chat" in keys(palette, "new")
