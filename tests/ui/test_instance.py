"""What one start of the program tells another, within one process: the lock knows its owners by their handles."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication

from desktop.ui import instance
from desktop.ui.instance import Instance


def test_files_wait_until_the_window_is_ready(qapp: QCoreApplication, tmp_path: Path) -> None:
    first, told = Instance(tmp_path), list[list[str]]()
    first.raised.connect(told.append)
    assert first.claim(["a.gguf"])
    first.open(["/b.gguf"])
    assert told == []
    first.ready()
    assert told == [[str(Path("a.gguf").absolute()), "/b.gguf"]]
    first.open(["/c.gguf"])
    assert told[1:] == [["/c.gguf"]]
    first.release()


def test_a_start_without_files_raises_nothing(qapp: QCoreApplication, tmp_path: Path) -> None:
    first, told = Instance(tmp_path), list[list[str]]()
    first.raised.connect(told.append)
    assert first.claim()
    first.ready()
    assert told == []
    first.release()


def test_a_window_that_does_not_end_is_told_so(
    qapp: QCoreApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance, "ENDING_S", 0.1)
    first = Instance(tmp_path)
    assert first.claim()  # and hears nothing
    assert not Instance(tmp_path).end()
    first.release()
    assert Instance(tmp_path).end()


def test_a_folder_that_is_not_there_has_no_window(qapp: QCoreApplication, tmp_path: Path) -> None:
    assert Instance(tmp_path / "none").end()


def test_what_is_no_message_only_raises_the_window(qapp: QCoreApplication, tmp_path: Path) -> None:
    first, told = Instance(tmp_path), list[list[str]]()
    first.raised.connect(told.append)
    assert first.claim()
    first.ready()
    assert [instance._message(line) for line in (b"{", b"", b'["a", 1]')] == [None, None, ["a", 1]]
    first.release()
