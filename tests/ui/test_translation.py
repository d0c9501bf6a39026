"""Messages in three languages, with Korean particles that fit the word before them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QLabel, QWidget

from desktop.ui import translation
from desktop.ui.translation import _, ngettext

ROOT = Path(__file__).resolve().parents[2]
KOREAN = r"""
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=1; plural=0;\n"
msgid "Delete “{name}”?"
msgstr "“{name}”을(를) 지울까요?"
msgid "Go to {place}"
msgstr "{place}(으)로 가기"
msgid "{name} is here"
msgstr "{name}이(가) 왔습니다"
msgid "Broken {name}"
msgstr "깨진 {nome}"
msgid "{tokens} token"
msgid_plural "{tokens} tokens"
msgstr[0] "토큰 {tokens}개"
"""


@pytest.fixture
def catalogues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from compile_messages import compile_messages

    folder = tmp_path / "resources" / "locale"
    (folder / "ko" / "LC_MESSAGES").mkdir(parents=True)
    (folder / "ko" / "LC_MESSAGES" / "alcove.po").write_text(KOREAN, encoding="utf-8")
    assert [path.name for path in compile_messages(tmp_path)] == ["alcove.mo"]
    yield folder
    translation.use("en", folder)
    sys.modules.pop("compile_messages")


class Sign(QLabel):
    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.setText(_("Go to {place}", place="X"))
        super().changeEvent(event)


def test_nothing_to_compile_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from compile_messages import compile_messages

    assert compile_messages(tmp_path) == []


def test_nothing_stays_nothing(catalogues: Path) -> None:
    """A catalogue's own head stands under the empty message."""
    translation.use("ko", catalogues)
    assert _("") == _("", name="a") == ""


def test_untranslated_is_english(catalogues: Path) -> None:
    translation.use("it", catalogues)
    assert _("Delete “{name}”?", name="a") == "Delete “a”?"
    assert ngettext("{tokens} token", "{tokens} tokens", 1, tokens="1") == "1 token"
    assert ngettext("{tokens} token", "{tokens} tokens", 2, tokens="2") == "2 tokens"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("미스트랄", "“미스트랄”을 지울까요?"),
        ("가이드", "“가이드”를 지울까요?"),
        ("Mistral", "“Mistral”을 지울까요?"),
        ("Guide", "“Guide”를 지울까요?"),
        ("모델 7", "“모델 7”을 지울까요?"),
        ("모델 2", "“모델 2”를 지울까요?"),
        ("을(를)", "“을(를)”을 지울까요?"),
        ("", "“”를 지울까요?"),
    ],
)
def test_particle_follows_the_sound(catalogues: Path, name: str, said: str) -> None:
    translation.use("ko", catalogues)
    assert _("Delete “{name}”?", name=name) == said


def test_particle_of_direction_has_a_rule_of_its_own(catalogues: Path) -> None:
    translation.use("ko", catalogues)
    assert _("Go to {place}", place="서울") == "서울로 가기"
    assert _("Go to {place}", place="집") == "집으로 가기"
    assert _("{name} is here", name="김철수") == "김철수가 왔습니다"


def test_translation_that_does_not_fit_falls_back(catalogues: Path) -> None:
    translation.use("ko", catalogues)
    assert _("Broken {name}", name="a") == "Broken a"
    assert ngettext("{tokens} token", "{tokens} tokens", 5, tokens="5") == "토큰 5개"


def test_switch_reaches_widgets_and_qt(qtbot, catalogues: Path) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    sign = Sign(window)
    assert translation.use("ko", catalogues) == "ko"
    qtbot.waitUntil(lambda: sign.text() == "X로 가기")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "취소"
    translation.use("en", catalogues)
    qtbot.waitUntil(lambda: sign.text() == "Go to X")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") in ("", "Cancel")


def test_system_language_is_one_of_ours(catalogues: Path) -> None:
    assert translation.use("system", catalogues) in translation.LANGUAGES
    assert translation.use("xx", catalogues) == "en"
