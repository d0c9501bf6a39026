"""Memory that is there now."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from desktop.services import memory

GIB = 1 << 30


def test_this_computer_has_memory() -> None:
    assert 0 < memory.available() <= memory.total() <= psutil.virtual_memory().total
    assert memory.resident(os.getpid()) > 1 << 20
    gone = max(psutil.pids()) + 10_000_000
    assert memory.resident(None) == memory.resident(gone) == memory.returned(None) == memory.returned(gone) == 0
    assert memory.files(gone) in (0, sys.maxsize)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows tell by another measure, without these bounds")
def test_ending_a_process_returns_what_is_its_own_and_not_its_files_pages(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"x" * (64 << 20))
    script = (
        "import mmap, sys; f = open(sys.argv[1], 'rb'); m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)\n"
        "seen = sum(m[::4096]); own = b'x' * (48 << 20); print('here', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert memory.resident(child.pid) > 112 << 20
        assert memory.files(child.pid) > 64 << 20
        assert 48 << 20 < memory.returned(child.pid) < 80 << 20
        child.communicate(b"\n")
    assert mmap.PAGESIZE


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pages in use count, locked or not")
def test_locked_pages_of_a_file_are_returned_too(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"x" * (4 << 20))
    script = (
        "import ctypes, mmap, sys; f = open(sys.argv[1], 'r+b'); m = mmap.mmap(f.fileno(), 0); seen = sum(m[::4096])\n"
        "print('plain', flush=True); input(); c = ctypes.CDLL(None, use_errno=True)\n"
        "at = ctypes.addressof(ctypes.c_char.from_buffer(m))\n"
        "print(c.mlock(ctypes.c_void_p(at), ctypes.c_size_t(4 << 20)), flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        child.stdout.readline()
        before = memory.returned(child.pid)
        child.stdin.write(b"\n")
        child.stdin.flush()
        locked = child.stdout.readline().strip() == b"0"  # a system may allow none
        after = memory.returned(child.pid)
        child.communicate(b"\n")
    assert after - before > (3 << 20) * locked - (1 << 20)


def test_off_linux_everything_in_use_is_returned_and_nothing_is_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(memory.sys, "platform", "darwin")  # type: ignore[attr-defined]
    monkeypatch.setattr(psutil.Process, "memory_full_info", forbidden)
    assert memory.returned(os.getpid()) > 1 << 20


def group(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_the_limits_of_a_container_count(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("0::/user.slice/app\n")
    root = tmp_path / "v2"
    group(root / "user.slice", memory__max=f"{8 * GIB}\n", memory__current=f"{3 * GIB}\n",
          memory__stat=f"anon 5\ninactive_file {GIB}\nactive_file {GIB // 2}\nodd\n")  # fmt: skip
    group(root / "user.slice" / "app", memory__max="max\n", memory__current="1\n")
    assert memory._limits(root, own) == [(8 * GIB, 3 * GIB // 2)]
    own.write_text("5:cpu:/\n3:memory:/docker/abc\nnonsense\n")
    root = tmp_path / "v1"
    group(root / "memory", memory__limit_in_bytes=str(2 * GIB), memory__usage_in_bytes=str(GIB))
    group(root / "memory" / "docker", memory__limit_in_bytes="9223372036854771712")
    assert memory._limits(root, own) == [(2 * GIB, GIB)]  # the group's own folder is outside
    assert memory._limits(root, tmp_path / "none") == []


def test_a_limit_bounds_what_is_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_limits", lambda: [(3 << 20, 1 << 20), (5 << 20, 1 << 20)])
    assert (memory.available(), memory.total()) == (2 << 20, 3 << 20)
    monkeypatch.setattr(memory, "_limits", lambda: [(3 << 20, 9 << 20)])
    assert memory.available() == 0
