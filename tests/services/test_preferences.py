"""Settings on disk: levels, odd texts, damaged and foreign content."""

from __future__ import annotations

import asyncio
import math
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core import toml
from desktop.core.errors import SettingError, StorageError
from desktop.services.preferences import Preferences
from tests.services.database import run

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
tables = st.recursive(
    st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), scalars, max_size=4),
    lambda inner: st.dictionaries(st.text(max_size=3, alphabet='ab가." '), inner | st.lists(scalars, max_size=3)),
    max_leaves=8,
)


@settings(deadline=None, max_examples=60)
@given(tables)
def test_what_is_written_is_what_is_read(table: dict[str, object]) -> None:
    assert tomllib.loads(toml.dumps(table)) == table


def test_dates_lists_of_tables_and_lone_surrogates_are_written() -> None:
    table = {"when": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "rows": [{"a": 1}, {"b c": "x"}], "empty": {}}
    assert tomllib.loads(toml.dumps(table)) == table
    assert tomllib.loads(toml.dumps({"a": "\ud800"})) == {"a": "\ufffd"}
    assert math.isnan(tomllib.loads(toml.dumps({"a": math.nan}))["a"])


def test_values_of_all_levels_come_back(tmp_path: Path) -> None:
    path = tmp_path / "김철수" / "preferences.toml"
    path.parent.mkdir()

    async def main() -> None:
        first = Preferences(path)
        await first.set("threads", 6)
        await first.set("temperature", 0.5)
        await first.set("stop", ("\n\n", "끝\"'\\"))
        await first.set("threads", 2, 'D\'Angelò "7B".Q4 🦙')
        await first.set_window({"x": 10, "maximised": True, "state": "AAA="})
        again = Preferences(path)
        assert again.values() == {"threads": 6, "temperature": 0.5, "stop": ("\n\n", "끝\"'\\")}
        levels = again.levels('D\'Angelò "7B".Q4 🦙', {"temperature": 1, "unknown": 3})
        assert (levels["threads"], levels["temperature"], levels["context"]) == (2, 1.0, 4096)
        assert again.levels("other", {})["threads"] == 6
        assert again.window == {"x": 10, "maximised": True, "state": "AAA="}
        await again.rename_model('D\'Angelò "7B".Q4 🦙', "새 이름")
        await again.reset("temperature")
        last = Preferences(path)
        assert last.levels("새 이름", {})["threads"] == 2
        assert "temperature" not in last.values()
        await last.reset()
        assert Preferences(path).values() == {}

    run(main())


def test_a_wrong_value_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "p.toml")
    for key, value in (("threads", 0.5), ("temperature", 9), ("nothing", 1), ("kv_type", "q9"), ("mmap", "yes")):
        with pytest.raises(SettingError):
            run(preferences.set(key, value))
    assert preferences.values() == {}
    assert not (tmp_path / "p.toml").exists()


def test_unknown_keys_are_kept_and_wrong_values_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('top = 1\n[settings]\nfuture = "x"\nthreads = "many"\nseed = 4\n[future.inner]\na = [1, 2]\n')
    preferences = Preferences(path)
    assert preferences.values() == {"seed": 4}
    run(preferences.set("seed", 5))
    assert tomllib.loads(path.read_text()) == {
        "top": 1,
        "settings": {"future": "x", "threads": "many", "seed": 5},
        "future": {"inner": {"a": [1, 2]}},
    }


@pytest.mark.parametrize("content", [b"[settings", b"\xff\xfe", b"a=" + b"[" * 5000, b"#" * 2_000_000, b"models = 5"])
def test_a_damaged_file_is_set_aside_or_borne(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    preferences = Preferences(path)
    assert preferences.levels("any", {})["threads"] == 0
    run(preferences.set("threads", 3, "any"))
    if content != b"models = 5":
        (kept,) = tmp_path.glob("p-damaged-*.toml")
        assert kept.read_bytes() == content
        assert str(kept) in str(preferences.notice)
    assert Preferences(path).levels("any", {})["threads"] == 3


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path / "missing" / "p.toml")
    with pytest.raises(StorageError, match="is not there"):
        run(preferences.set("threads", 3))
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="is a folder"):
        Preferences(tmp_path / "folder")


def test_many_changes_at_once_end_in_the_last(tmp_path: Path) -> None:
    async def main() -> None:
        preferences = Preferences(tmp_path / "p.toml")
        await asyncio.gather(*(preferences.set("seed", n) for n in range(20)))

    run(main())
    assert Preferences(tmp_path / "p.toml").values() == {"seed": 19}
    assert [p.name for p in tmp_path.iterdir()] == ["p.toml"]


def test_values_that_cannot_be_do_not_go_unsaid(tmp_path: Path) -> None:
    path = tmp_path / "preferences.toml"
    path.write_text('[settings]\nthreads = 100000\ntemperature = 0.5\n[models.a]\nkv_type = "q9"\n')
    found = Preferences(path)
    assert found.notice is not None
    assert found.notice.fields["names"] == "kv_type, threads"
    assert found.values() == {"temperature": 0.5}
