"""Says that this processor is too old, before anything is imported that would end without a word on it.

Invariant: nothing of Qt or numpy is imported here; where the processor is new enough, or does not tell, a few
microseconds have passed and nothing else has happened. What is lacking is `engine.cpu`'s to find out.
"""

from __future__ import annotations

import sys

from desktop.core.errors import N_
from desktop.engine.cpu import lacks_baseline

_TOO_OLD = N_(
    "This computer's processor is too old for Alcove: it lacks {missing}, which processors have had since about 2010. "
    "Nothing was changed. Alcove runs on a newer computer."
)


def refused() -> bool:
    """Whether Alcove cannot start here; then that has been said."""
    missing = lacks_baseline()
    if missing:
        _say(_translated(_TOO_OLD).format(missing=", ".join(missing)))
    return bool(missing)


def _translated(message: str) -> str:
    """As `ui.translation` would, which needs Qt."""
    import gettext

    from desktop.services.paths import resources

    languages = None  # as the environment says
    if sys.platform == "win32":
        import ctypes
        import locale

        languages = [locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "en")]
    return gettext.translation("alcove", resources() / "locale", languages, fallback=True).gettext(message)


def _say(sentence: str) -> None:
    """On standard error; on Windows, where a double-click leaves none, in a box of the system's."""
    if sys.stderr is not None:
        sys.stderr.write(f"{sentence}\n")
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.MessageBoxW(None, sentence, "Alcove", 0x10)  # MB_ICONERROR
