"""The folder of states, seen from outside."""

from __future__ import annotations

import os
from pathlib import Path

from desktop.engine import states

KEY = "ab" * 16


def made(folder: Path, chat: str, size: int, used: float, suffix: str = ".state") -> Path:
    path = states.new_path(folder, KEY, chat).with_suffix(suffix)
    path.write_bytes(b"x" * size)
    os.utime(path, (used, used))
    return path


def test_what_is_there_by_chat_and_use(tmp_path: Path) -> None:
    made(tmp_path, "one", 10, 2000)
    made(tmp_path, "one", 20, 1000)
    made(tmp_path, "two/../:", 30, 3000)
    (tmp_path / "note.txt").write_text("not ours")
    (tmp_path / f"{KEY}.folder.{'0' * 8}.state").mkdir()
    found = states.kept(tmp_path)
    assert [(kept.size, kept.used, kept.key) for kept in found] == [(20, 1000, KEY), (10, 2000, KEY), (30, 3000, KEY)]
    assert [kept.chat for kept in found] == ["one", "one", states.named("two/../:")]
    assert states.kept(tmp_path / "nowhere") == []


def test_removing_a_chat_leaves_the_others_and_what_is_not_ours(tmp_path: Path) -> None:
    made(tmp_path, "one", 10, 2000)
    made(tmp_path, "one", 10, 2000, ".part")
    made(tmp_path, "한글", 30, 3000)
    (tmp_path / "note.txt").write_text("not ours")
    states.remove(tmp_path, "한글")
    assert {kept.chat for kept in states.kept(tmp_path)} == {"one"}
    states.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_the_least_recently_used_leave_first_but_not_the_spared(tmp_path: Path) -> None:
    spared, old, new = (made(tmp_path, chat, 10, used) for chat, used in (("a", 1.0), ("b", 2.0), ("c", 3.0)))
    assert states.trim(tmp_path, 20, {spared}) == 20
    assert (spared.exists(), old.exists(), new.exists()) == (True, False, True)
    states.touch(spared)
    assert states.trim(tmp_path, 10) == 10
    assert (spared.exists(), new.exists()) == (True, False)
    assert states.trim(tmp_path, 0) == 0


def test_what_is_touched_together_keeps_its_order(tmp_path: Path) -> None:
    paths = [made(tmp_path, f"{number}", 10, 1.0) for number in range(9)]
    for order in (paths, paths[::-1], paths[4:] + paths[:4]):
        states.touch(*order)
        assert [kept.path for kept in states.kept(tmp_path)] == order


def test_an_unfinished_file_is_left_to_who_writes_it_and_removed_when_nobody_does(tmp_path: Path) -> None:
    abandoned = made(tmp_path, "a", 10, 1000, ".part")
    written = states.new_path(tmp_path, KEY, "b").with_suffix(".part")
    written.write_bytes(b"x")
    states.trim(tmp_path, 1000)
    assert (abandoned.exists(), written.exists()) == (False, True)
