"""Makes the pictures in `docs/pictures` from the running program: `python scripts/pictures.py [beginnings of names]`.

The window is opened off screen over an empty data folder, the guide is asked or a model looked for on the Hub of the
tests, whose files are as long as TheBloke's, and the window is drawn into a file.
Hangul and emoji need fonts that have them (Debian: fonts-noto-cjk, fonts-noto-color-emoji).
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QPlainTextEdit, QTabBar

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from desktop.services.paths import Paths  # noqa: E402  (the source tree, not an installed Alcove)
from desktop.ui import translation  # noqa: E402
from tests.flows.person import Person, until  # noqa: E402
from tests.flows.program import Program  # noqa: E402
from tests.hub import HubServer  # noqa: E402
from tests.hub.contents import Repository  # noqa: E402
from tests.hub.shapes import MISTRAL_REPO, bloke_repository  # noqa: E402

Journey = Callable[..., Coroutine[Any, Any, None]]
PICTURES = ROOT / "docs" / "pictures"
QUESTIONS = {
    "en": ("How do I get a bigger model?", "Which one suits a laptop with 8 GB of memory?"),
    "ko": ("더 큰 모델은 어떻게 받나요?", "메모리 8GB 노트북에는 어떤 모델이 좋나요?"),
    "it": ("Come scarico un modello più grande?", "Quale modello va bene con 8 GB di memoria?"),
}
SHOTS = (
    ("chat-light", "en", "light", "chat", 1280, 800),
    ("chat-dark", "en", "dark", "chat", 1280, 800),
    ("chat-korean", "ko", "light", "chat", 1280, 800),
    ("chat-italian", "it", "light", "chat", 900, 600),
    ("library-korean", "ko", "dark", "models", 1280, 800),
    *(
        (f"variants-{language}-{look}", language, look, "variants", *size)
        for language in QUESTIONS
        for look, size in (("light", (1280, 800)), ("dark", (900, 600)))
    ),
    ("find-korean", "ko", "light", "find", 900, 600),
    ("find-italian", "it", "dark", "find", 1280, 800),
    ("settings-light", "en", "light", "settings", 1280, 800),
    ("settings-italian", "it", "dark", "settings", 900, 600),
    ("help-korean", "ko", "light", "help", 900, 600),
)


async def shoot(person: Person, path: str, language: str, pane: str, width: str, height: str) -> None:
    """Asks the guide, turns to the pane, and draws the window."""
    person.window.resize(int(width), int(height))
    for question in QUESTIONS[language] if pane == "chat" else ():
        (field,) = await until(lambda: person.all(QPlainTextEdit, translation._("Message")))
        await person.active()
        person.type(question, field)
        person.key(Qt.Key.Key_Return)
        await until(lambda: not person.all(QAbstractButton, translation._("Send")))
        await until(lambda: person.all(QAbstractButton, translation._("Send")))
    if pane in ("find", "variants"):
        await find(person, unfold=pane == "variants")
    else:
        person.window.show_pane(pane)
    until_painted = asyncio.get_running_loop().time() + 0.5  # what is laid out late, like the chat's title, is there
    await until(lambda: asyncio.get_running_loop().time() > until_painted)
    person.window.grab().save(path)


async def find(person: Person, unfold: bool) -> None:
    """Turns to the page that finds models; with `unfold` to the variants of one, and what is said of one of them."""
    await person.press(translation._("Models"))
    (tabs,) = await until(lambda: person.all(QTabBar))
    tabs.setCurrentIndex(1)
    (field,) = await until(lambda: person.all(QLineEdit, translation._("Search for models")))
    if unfold:
        person.type(MISTRAL_REPO, field)
        person.key(Qt.Key.Key_Return, field=field)
        row = await until(lambda: next((b for b in person.all(QAbstractButton) if named(b, "Q4_K_M")), None))
        QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=QPoint(20, 20))
    until_judged = asyncio.get_running_loop().time() + 5  # llama.cpp is asked, and the memory's speed measured
    await until(lambda: asyncio.get_running_loop().time() > until_judged)


def named(button: QAbstractButton, variant: str) -> bool:
    """Whether it is the row of a variant."""
    return button.accessibleName().startswith(f"{variant}, ")


def journey() -> Journey:
    """`shoot`, as the window's process can import it: this file may be running as `__main__`."""
    return importlib.import_module("scripts.pictures").shoot


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, HubServer({MISTRAL_REPO: shelf(Path(folder))}) as hub:
        os.environ["HF_ENDPOINT"] = hub.endpoint
        for name, *shot in SHOTS:
            if not sys.argv[1:] or name.startswith(tuple(sys.argv[1:])):
                draw(PICTURES / f"{name}.png", *shot)
    return 0


def shelf(folder: Path) -> Repository:
    """TheBloke's twelve variants of Mistral, true in length and header."""
    return bloke_repository(folder, true_sizes=True)


def draw(path: Path, language: str, appearance: str, pane: str, width: int, height: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        preferences = Paths(Path(home)).preferences
        preferences.write_text(f'[settings]\nlanguage = "{language}"\nappearance = "{appearance}"\n')
        Program(Path(home)).live(journey(), path, language, pane, str(width), str(height))
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    sys.exit(main())
