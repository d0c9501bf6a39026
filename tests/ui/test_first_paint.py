"""The window is painted before anything is imported that the first paint can do without."""

from __future__ import annotations

import subprocess
import sys

LATER = (
    *("asyncio", "qasync", "sqlite3", "markdown_it", "pygments", "PySide6.QtNetwork"),
    *("desktop.app", "desktop.assembly", "desktop.panes"),
    *(
        "desktop.core.finding",
        "desktop.ui.palette",
        "desktop.ui.palette_rows",
        "desktop.ui.shortcuts",
        "desktop.ui.bars",
    ),
)
SHOW = f"""
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from desktop.core.settings import resolve
from desktop.ui.shell import Shell
app = QApplication([])
shell = Shell(app, resolve(), {{}}, Path("nowhere"))
shell.window.grab()
print(*sorted(set(sys.modules) & set({LATER!r})))
"""


def test_what_comes_later_is_not_imported_before_the_first_paint() -> None:
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
