"""Makes the pictures in `docs/pictures` from the running program: `python scripts/pictures.py`.

The window is opened off screen over an empty data folder, the guide is asked, and the window is drawn into a file.
Hangul and emoji need fonts that have them (Debian: fonts-noto-cjk, fonts-noto-color-emoji).
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QPlainTextEdit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from desktop.services.paths import Paths  # noqa: E402  (the source tree, not an installed Alcove)
from desktop.ui import translation  # noqa: E402
from tests.flows.person import Person, until  # noqa: E402
from tests.flows.program import Program  # noqa: E402

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
    ("models-korean", "ko", "dark", "models", 1280, 800),
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
    person.window.show_pane(pane)
    until_painted = asyncio.get_running_loop().time() + 0.5  # what is laid out late, like the chat's title, is there
    await until(lambda: asyncio.get_running_loop().time() > until_painted)
    person.window.grab().save(path)


def journey() -> Journey:
    """`shoot`, as the window's process can import it: this file may be running as `__main__`."""
    return importlib.import_module("scripts.pictures").shoot


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    for name, language, appearance, pane, width, height in SHOTS:
        with tempfile.TemporaryDirectory() as home:
            preferences = Paths(Path(home)).preferences
            preferences.write_text(f'[settings]\nlanguage = "{language}"\nappearance = "{appearance}"\n')
            path = PICTURES / f"{name}.png"
            Program(Path(home)).live(journey(), path, language, pane, str(width), str(height))
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
