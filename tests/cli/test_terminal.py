"""What the command line says beside its results, in every language, without a process."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.assembly import PRIVATE, Assembly
from desktop.cli import _parser, chat
from desktop.cli.options import settings_of
from desktop.cli.terminal import chosen, shown, table
from desktop.core.chat import Message, Role
from desktop.core.generation import StopReason, Timings, Usage
from desktop.core.templates import BY_NAME
from desktop.services.models.library import GUIDE, Model
from desktop.services.paths import resources
from desktop.ui.translation import use


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    use("en", resources() / "locale")
    yield
    use("en", resources() / "locale")


def parsed(*given: str) -> Namespace:
    return _parser().parse_args(given)


def test_columns_align_where_letters_are_wide() -> None:
    assert table([("모델", "1"), ("name", "22")]) == "모델  1\nname  22"
    assert table([("e\u0301", "x"), ("ab", "")]) == "e\u0301   x\nab"


@pytest.mark.parametrize(
    ("language", "usage"), [("ko", "사용법: alcove"), ("it", "uso: alcove"), ("en", "usage: alcove")]
)
def test_the_help_is_in_one_language(language: str, usage: str) -> None:
    use(language, resources() / "locale")
    told = _parser().format_help()
    assert told.startswith(usage)
    english = ("options:", "show this", "usage:")
    assert [word for word in english if word in told] == ([] if language != "en" else list(english))


def test_what_a_shell_cannot_hand_over_is_written_as_an_escape() -> None:
    given = parsed("chat", "--stop", r"\n", "--stop", r"a\tb", "--stop", r"\\n", "--stop", r"\d")
    expected: object = {"stop": ["\n", "a\tb", r"\n", r"\d"]}
    assert settings_of(given) == expected


def test_the_built_in_templates_can_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert [parsed("chat", "--template", name).template for name in BY_NAME] == list(BY_NAME)
    with pytest.raises(SystemExit):
        parsed("chat", "--template", "Klingon")
    assert "Klingon" in capsys.readouterr().err


def test_the_statistics_tell_the_wait_and_why_a_reply_ended() -> None:
    usage, timings = Usage(1200, 1000, 34), Timings(first_token_s=1.5, generation_per_s=9.5)
    ended = {
        reason: chat._statistics(
            Message("1", None, Role.ASSISTANT, "x", 0.0, "m", stop_reason=reason, usage=usage, timings=timings)
        )
        for reason in (StopReason.STOP, StopReason.LENGTH)
    }
    assert "first word after 1.5 s" in ended[StopReason.STOP]
    assert ended[StopReason.LENGTH] == ended[StopReason.STOP][:-1] + "; longest answer reached]"


def test_the_guide_is_found_by_the_name_that_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path))
    use("ko", resources() / "locale")

    async def named(*names: str) -> list[Model]:
        async with Assembly.private() as alcove:
            return [chosen(alcove, name) for name in names]

    guide, *others = asyncio.run(named("", "가이드", "guide"))
    assert (guide.name, shown(guide), others) == (GUIDE, "가이드", [guide, guide])
    assert shown(Model("1", "Mine", tmp_path)) == "Mine"


def test_what_a_dead_process_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, alive, other = (
        tmp_path / name for name in (f"{PRIVATE}{ended.pid}-x", f"{PRIVATE}{os.getpid()}-x", "alcove-x")
    )
    for folder in (left, alive, other):
        folder.mkdir()

    async def opened() -> None:
        async with Assembly.private():
            pass

    asyncio.run(opened())
    assert [folder.exists() for folder in (left, alive, other)] == [False, True, True]


def test_figures_align_at_their_end() -> None:
    assert table([("a", "1"), ("b", "22")], right=(1,)) == "a   1\nb  22"
