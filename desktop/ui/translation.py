"""The window's language: gettext over the English message ids that the core marks with `N_`.

Invariant: a message that has no translation, or a translation whose placeholders do not fit, appears in English and
never fails. A switch reaches every widget as Qt's own `LanguageChange` event: a widget overrides `changeEvent` and
calls its `retranslate()`. What a model writes is never translated, and numbers and dates are the business of
`ui.formats`.
"""

from __future__ import annotations

import gettext
import re
from functools import lru_cache
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QLibraryInfo, QLocale, QTranslator

LANGUAGES = ("en", "ko", "it")

# A Korean particle depends on the sound before it, so a translation writes both forms after it: “{name}”을(를).
_PARTICLES = {
    "을(를)": ("을", "를"),
    "이(가)": ("이", "가"),
    "은(는)": ("은", "는"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
}
_PARTICLE = re.compile(r"\{(\w+)[^{}]*\}([”’\"'」』)\]]*)(" + "|".join(map(re.escape, _PARTICLES)) + ")")
# Digits, read in Korean, and Latin letters, as most words that end in them are read, that end in a consonant.
_FINALS = dict(zip("013678lLmMnNR", "ㅇㄹㅁㄱㄹㄹㄹㄹㅁㅁㄴㄴㄹ", strict=True))


# What Qt 6.11 asks for, and the older name under which its catalogues have it.
_RENAMED = {"&Look in:": "Look in:", "Files of &type:": "Files of type:"}


class _Older(QTranslator):
    """Finds what Qt has renamed and not translated again."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str | None:
        older = _RENAMED.get(text)
        return _Current.qt.translate(context, older) or None if older and _Current.qt else None


class _Current:
    """The one language of this process, as gettext itself has it."""

    catalogue: gettext.NullTranslations = gettext.NullTranslations()
    folder: Path | None = None
    language = "en"
    locale = QLocale(QLocale.Language.English)
    qt: QTranslator | None = None
    older: QTranslator | None = None


def use(language: str, catalogues: Path) -> str:
    """Switches to "en", "ko", "it", or "system"; returns the language taken. `catalogues` is the locale folder."""
    chosen = _system() if language == "system" else language if language in LANGUAGES else "en"
    _Current.catalogue = gettext.translation("alcove", catalogues, [chosen], fallback=True)
    _Current.language, _Current.folder = chosen, catalogues
    system = QLocale.system()
    same = QLocale(chosen).language() == system.language()
    _Current.locale = system if same else QLocale(chosen)  # the person's own region where the language has it
    QLocale.setDefault(_Current.locale)
    _switch_qt(chosen)
    return chosen


def everywhere(message: str) -> set[str]:
    """The message in every language that there is: for what people search by, never for what is shown."""
    folder = _Current.folder
    known = [_catalogue(folder, language) for language in LANGUAGES] if folder is not None else []
    return {message, *(catalogue.gettext(message) for catalogue in known)}


@lru_cache
def _catalogue(folder: Path, language: str) -> gettext.NullTranslations:
    return gettext.translation("alcove", folder, [language], fallback=True)


def language() -> str:
    """The language in use: "en", "ko" or "it"."""
    return _Current.language


def locale() -> QLocale:
    """How numbers and dates are written in the language in use."""
    return _Current.locale


def _(message: str, **fields: object) -> str:
    """The message in the language in use, its placeholders filled. Nothing stays nothing: gettext's head is no text."""
    return _fill(_Current.catalogue.gettext(message), message, fields) if message else ""


def ngettext(one: str, many: str, count: int, **fields: object) -> str:
    """The form of the message for `count`, which also fills `{count}` unless given as text in `fields`."""
    fields = {"count": count, **fields}
    return _fill(_Current.catalogue.ngettext(one, many, count), one if count == 1 else many, fields)


def _fill(translated: str, message: str, fields: dict[str, object]) -> str:
    if not fields:
        return translated
    if _Current.language == "ko":
        translated = _PARTICLE.sub(lambda m: _with_particle(m, fields), translated)
    try:
        return translated.format(**fields)
    except (KeyError, IndexError, ValueError):
        return message.format(**fields)


def _with_particle(found: re.Match[str], fields: dict[str, object]) -> str:
    after_final, after_vowel = _PARTICLES[found[3]]
    final = _final(str(fields.get(found[1], "")))
    closed = bool(final) and not (found[3] == "(으)로" and final == "ㄹ")
    return found[0][: -len(found[3])] + (after_final if closed else after_vowel)


def _final(word: str) -> str:
    """The consonant that the word's sound ends in, "" after a vowel; ㅇ stands for any but ㄹ."""
    sounds = [c for c in word if c.isalnum()]
    if not sounds:
        return ""
    last = sounds[-1]
    if "가" <= last <= "힣":
        index = (ord(last) - ord("가")) % 28
        return "" if index == 0 else "ㄹ" if index == 8 else "ㅇ"  # 8: ㄹ alone
    return _FINALS.get(last, "")


def _system() -> str:
    for name in QLocale.system().uiLanguages():
        if name[:2] in LANGUAGES:
            return name[:2]
    return "en"


def _switch_qt(chosen: str) -> None:
    app = QCoreApplication.instance()
    if app is None:
        return
    for former in (_Current.qt, _Current.older):
        if former is not None:
            app.removeTranslator(former)
    translator, _Current.older = QTranslator(), None if chosen == "en" else _Older()
    if _Current.older is not None:
        app.installTranslator(_Current.older)
    if translator.load(f"qtbase_{chosen}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(translator)
    _Current.qt = translator
    app.sendEvent(app, QEvent(QEvent.Type.LanguageChange))
