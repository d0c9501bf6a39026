"""Folders and files: where they are, and what is said when they cannot be made."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from desktop.core.errors import StorageError
from desktop.services.disk import aside, refused, write_whole
from desktop.services.paths import Paths, resources


def test_the_home_can_be_moved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "김철수"))
    paths = Paths.of_person()
    paths.create()
    assert paths.database.parent == tmp_path / "김철수"
    assert paths.models.is_dir()
    monkeypatch.delenv("ALCOVE_HOME")
    assert Paths.of_person().home.name == "Alcove"


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        Paths(tmp_path / "file" / "below").create()
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        Paths(tmp_path / "file").create()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folder")
def test_a_system_folder_that_takes_no_files_is_said() -> None:
    with pytest.raises(StorageError) as raised:
        Paths(Path("/proc/alcove")).create()
    assert "/proc" in str(raised.value)


def test_resources_are_in_the_source_tree() -> None:
    assert (resources() / "help").is_dir()


def test_a_name_holds_the_old_or_the_new_content(tmp_path: Path) -> None:
    file = tmp_path / ("한" * 60 + ".md")
    write_whole(file, b"old")
    write_whole(file, b"new")
    assert file.read_bytes() == b"new"
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        write_whole(tmp_path / "folder", b"x")
    with pytest.raises(StorageError, match="too long"):
        write_whole(tmp_path / ("n" * 300), b"x")
    with pytest.raises(StorageError, match="is not there"):
        write_whole(tmp_path / "missing" / "x", b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([file.name, "folder"])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "The disk is full"),
        (errno.EDQUOT, "The disk is full"),
        (errno.EROFS, "read-only disk"),
        (errno.EACCES, "may not use"),
        (errno.EPERM, "may not use"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_each_refusal_of_the_disk_has_its_sentence(code: int, said: str) -> None:
    sentence = str(refused(OSError(code, os.strerror(code)), Path("김철수/x")))
    assert said in sentence
    assert "김철수" in sentence


def test_setting_aside_never_takes_a_name_in_use(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    for number, content in enumerate((b"1", b"2", b"3")):
        file.write_bytes(content)
        tmp_path.joinpath("a.db-wal").write_bytes(content + b"wal")
        kept = aside(file, "20260101", "-wal")
        assert kept.read_bytes() == content
        assert kept.with_name(kept.name + "-wal").read_bytes() == content + b"wal"
        assert len(list(tmp_path.iterdir())) == 2 * (number + 1)
