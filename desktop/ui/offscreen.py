"""Qt where nobody sees it: for pictures and for the self-test, with and without a screen. Qt is not imported here."""

from __future__ import annotations

import os
import sys


def choose() -> None:
    """Before the application object is made; one that is there already stays as it is."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if sys.platform == "win32":  # where it looks for letters nowhere else (QFreeTypeFontDatabase)
        os.environ.setdefault("QT_QPA_FONTDIR", os.path.join(os.environ.get("WINDIR", r"C:\Windows"), "Fonts"))
