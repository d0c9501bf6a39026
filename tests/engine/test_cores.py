"""Cores and threads, from what real computers say of theirs."""

from __future__ import annotations

import math
import struct
import sys
from pathlib import Path

import pytest

from desktop.engine import cores
from desktop.engine.cores import Cores

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells in files")


def tree(
    root: Path,
    siblings: str,
    capacity: list[int] | None = None,
    frequency: list[int] | None = None,
    fast: str = "",
) -> Path:
    """What Linux says of a processor: `siblings` of each processor in order, as `thread_siblings_list` has them."""
    for number, text in enumerate(siblings.split()):
        cpu = root / "system" / "cpu" / f"cpu{number}"
        write(cpu / "topology" / "thread_siblings_list", text)
        if capacity:
            write(cpu / "cpu_capacity", str(capacity[number]))
        if frequency:
            write(cpu / "cpufreq" / "cpuinfo_max_freq", str(frequency[number]))
    if fast:
        write(root / "cpu_core" / "cpus", fast)
    return root


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{text}\n")


def pairs(cores: int) -> str:
    return " ".join(f"{n // 2 * 2}-{n // 2 * 2 + 1}" for n in range(2 * cores))


MACHINES: dict[str, tuple[dict[str, object], Cores, tuple[int, int]]] = {
    "i7-12700H": (
        {"siblings": f"{pairs(6)} 12 13 14 15 16 17 18 19", "fast": "0-11", "capacity": [1024] * 12 + [622] * 8},
        *(Cores(6, 14, 20), (6, 14)),
    ),
    "i7-12700H, an older kernel": (
        {
            "siblings": f"{pairs(6)} 12 13 14 15 16 17 18 19",
            "frequency": [4600000] * 8 + [4700000] * 4 + [3500000] * 8,
        },
        *(Cores(6, 14, 20), (6, 14)),
    ),
    "Ultra 7 155H, of which the two slowest are apart": (
        {
            "siblings": f"0 1-2 1-2 3-4 3-4 5-6 5-6 7-8 7-8 9-10 9-10 {' '.join(map(str, range(11, 22)))}",
            "fast": "0-10",
        },
        *(Cores(6, 17, 22), (6, 17)),
    ),
    "i5-8250U": (
        {"siblings": "0,4 1,5 2,6 3,7 0,4 1,5 2,6 3,7", "frequency": [3400000] * 8},
        *(Cores(4, 4, 8), (4, 4)),
    ),
    "i7-9700K, without hyper-threading": (
        {"siblings": "0 1 2 3 4 5 6 7", "frequency": [4900000] * 8},
        *(Cores(8, 8, 8), (7, 7)),
    ),
    "i9-10900X, two of its cores preferred": (
        {"siblings": "0 1 2 3", "frequency": [4700000, 4700000, 4500000, 4500000]},
        *(Cores(4, 4, 4), (4, 4)),
    ),
    "Ryzen 7 5800X": (
        {"siblings": " ".join(f"{n % 8},{n % 8 + 8}" for n in range(16)), "frequency": [4850194] * 16},
        *(Cores(8, 8, 16), (8, 8)),
    ),
    "Ryzen AI 9 HX 370": (
        {"siblings": pairs(12), "frequency": [5157895] * 8 + [3300000] * 16},
        *(Cores(4, 12, 24), (4, 12)),
    ),
    "Raspberry Pi 5": ({"siblings": "0 1 2 3", "capacity": [1024] * 4}, Cores(4, 4, 4), (4, 4)),
    "RK3588": (
        {"siblings": "0 1 2 3 4 5 6 7", "capacity": [530] * 4 + [1024] * 4},
        *(Cores(4, 8, 8), (4, 7)),
    ),
    "Snapdragon 888": (
        {"siblings": "0 1 2 3 4 5 6 7", "capacity": [315] * 4 + [855] * 3 + [1024]},
        *(Cores(4, 8, 8), (4, 7)),
    ),
    "a virtual machine with one core of two threads": ({"siblings": "0-1 0-1"}, Cores(1, 1, 2), (1, 1)),
    "a virtual machine with two processors": ({"siblings": "0 1"}, Cores(2, 2, 2), (2, 2)),
}


@pytest.mark.parametrize("name", MACHINES)
def test_cores_of_real_computers(tmp_path: Path, name: str) -> None:
    said, expected, threads = MACHINES[name]
    everything = frozenset(range(len(str(said["siblings"]).split())))
    found = cores.of_linux(everything, system=tree(tmp_path, **said))  # type: ignore[arg-type]
    assert found == expected
    assert (found.writing, found.reading) == threads


def test_only_processors_that_are_allowed_count(tmp_path: Path) -> None:
    mixed = tree(tmp_path, f"{pairs(6)} 12 13 14 15 16 17 18 19", fast="0-11")
    assert cores.of_linux({0, 1, 2, 12}, system=mixed) == Cores(2, 3, 4)
    assert cores.of_linux({12, 13, 14}, system=mixed) == Cores(3, 3, 3)  # only slow ones: those then
    assert cores.of_linux({0, 40}, system=mixed) is None  # one that Linux does not describe


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1.5, Cores(2, 2, 2)), (0.25, Cores(1, 1, 1)), (8, Cores(6, 8, 8)), (math.inf, Cores(6, 14, 20))],
)
def test_a_quota_bounds_all(tmp_path: Path, most: float, expected: Cores) -> None:
    mixed = tree(tmp_path, f"{pairs(6)} 12 13 14 15 16 17 18 19", fast="0-11")
    assert cores.of_linux(frozenset(range(20)), most, mixed) == expected


@linux
def test_the_quota_of_a_container(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("0::/user.slice/app\n")
    write(tmp_path / "user.slice" / "cpu.max", "150000 100000")
    write(tmp_path / "user.slice" / "app" / "cpu.max", "max 100000")
    assert cores.quota(tmp_path, own) == 1.5
    own.write_text("4:cpu,cpuacct:/docker/abc\n0::/\nnonsense\n")
    write(tmp_path / "cpu,cpuacct" / "cpu.cfs_quota_us", "-1")
    write(tmp_path / "cpu,cpuacct" / "docker" / "cpu.cfs_quota_us", "50000")
    write(tmp_path / "cpu,cpuacct" / "docker" / "cpu.cfs_period_us", "100000")
    assert cores.quota(tmp_path, own) == 0.5
    assert cores.quota(tmp_path, tmp_path / "none") == math.inf


def test_what_is_not_known_is_filled_in() -> None:
    assert cores.bounded(Cores(-1, 4, 8), 8) == Cores(4, 4, 8)  # macOS on Intel
    assert cores.bounded(Cores(0, 4, 8), 2) == Cores(2, 2, 2)
    m1, m1_pro = Cores(4, 8, 8), Cores(8, 10, 10)
    assert (m1.writing, m1.reading, m1_pro.writing, m1_pro.reading) == (4, 7, 8, 9)


def test_fast_cores_of_windows_are_told_from_slow_ones() -> None:
    def cpu_set(core: int, speed: int) -> bytes:
        return struct.pack("<IIIHBBBBBB", 32, 0, 0, 0, 0, core, 0, 0, speed, 0).ljust(32, b"\0")

    mixed = [cpu_set(core, 1) for core in (0, 0, 2, 2)] + [cpu_set(core, 0) for core in (4, 5, 6, 7)]
    assert cores.fastest_cores(b"".join(mixed)) == 2
    assert cores.fastest_cores(b"".join(cpu_set(core, 0) for core in range(6))) == 6
    assert cores.fastest_cores(b"") == 0


def test_lists_of_processors_are_expanded() -> None:
    assert cores.expanded("0-3,8\n") == [0, 1, 2, 3, 8]
    assert cores.expanded("\n") == cores.expanded("none") == cores.expanded("3-x") == []


def test_threads_that_were_chosen_are_taken() -> None:
    here = cores.of_this_computer()
    assert 1 <= here.performance <= here.physical <= here.logical
    assert cores.threads(7, 9) == (7, 9)
    assert cores.threads(7, 0) == (7, here.reading)
    assert cores.threads(0, 9) == (here.writing, 9)
