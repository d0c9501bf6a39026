"""Which kernels are taken: files that say what they were compiled for, on systems that permit less than they want."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from desktop.core.errors import LoadError
from desktop.engine import kernels, llama
from desktop.engine.kernels import LINKED, Kernels, load
from desktop.engine.refusal import refuse_processor

FILES = {  # ggml's own scores are in this order; what each was compiled for
    "sse42": (5, ["SSE3"]),
    "haswell": (60, ["SSE3", "AVX", "AVX2", "FMA"]),
    "skylakex": (188, ["SSE3", "AVX", "AVX2", "FMA", "AVX512"]),
    "sapphirerapids": (0, ["AVX512", "AMX_INT8"]),  # which says itself that it cannot run here
}


class Ggml:
    """The main library: what it was asked to load, in order; what it refuses; what became part of it."""

    def __init__(self, registered: int = 0) -> None:
        self.registered, self.loaded, self.added = registered, list[str](), list[object]()
        self.refuses: set[str] = set()
        self.made: list[str] = []

    def function(self, name: str, _result: object = None) -> Callable[..., object] | None:
        def register(made: object) -> None:
            if made.value:  # type: ignore[attr-defined]
                self.loaded.append(self.made[made.value - 1])  # type: ignore[attr-defined]

        return {"ggml_backend_reg_count": lambda: self.registered, "ggml_backend_register": register}.get(name)

    def initialised(self, name: str) -> int | None:
        """An address, as a file of kernels gives it; None is how ctypes gives C's NULL."""
        if name in self.refuses:
            return None
        self.made.append(name)
        return len(self.made)

    def add(self, own: object) -> None:
        self.added.append(own)


@pytest.fixture
def ggml() -> Ggml:
    return Ggml()


@pytest.fixture
def folder(ggml: Ggml, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Kernels of four kinds beside the libraries; the system permits all instructions but those in `lacking`."""
    for name in (*(f"libggml-cpu-{kind}.so" for kind in FILES), "libggml-base.so", "libggml.so", "libllama.so"):
        (tmp_path / name).write_bytes(b"")

    def opened(path: str) -> object:
        score, compiled = FILES.get(Path(path).stem.removeprefix("libggml-cpu-"), (1, []))
        has = {f"ggml_cpu_has_{name.lower()}": lambda: 1 for name in compiled}

        def init() -> int | None:
            return ggml.initialised(Path(path).name)

        said = {"ggml_backend_score": lambda: score, "ggml_backend_init": init, "ggml_cpu_has_neon": lambda: 0}
        return SimpleNamespace(name=path, **said, **has)

    monkeypatch.setattr(kernels.ctypes, "CDLL", opened)
    permit(monkeypatch)
    return tmp_path


def permit(monkeypatch: pytest.MonkeyPatch, *but: str) -> None:
    monkeypatch.setattr(kernels, "lacking", lambda names: [name for name in names if name in but])


def test_the_best_that_can_run_is_taken(ggml: Ggml, folder: Path) -> None:
    assert load(ggml, folder) == Kernels("skylakex", 4)  # type: ignore[arg-type]
    assert ggml.loaded == ["libggml-cpu-skylakex.so"], "and no other is made ready"
    assert [own.name for own in ggml.added] == [str(folder / "libggml-cpu-skylakex.so")]  # type: ignore[attr-defined]


def test_what_the_system_does_not_permit_is_not_taken(
    ggml: Ggml, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    permit(monkeypatch, "AVX512")
    assert load(ggml, folder).kind == "haswell"  # type: ignore[arg-type]
    permit(monkeypatch, "AVX", "AVX2", "AVX512", "FMA")
    assert load(ggml, folder).kind == "sse42"  # type: ignore[arg-type]


def test_a_processor_for_which_there_is_none(ggml: Ggml, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    permit(monkeypatch, "SSE3")
    found = load(ggml, folder)  # type: ignore[arg-type]
    assert (found, found.fit, ggml.loaded) == (Kernels("", 4), False, [])
    with pytest.raises(LoadError, match="can run on this processor"):
        refuse_processor("", found)


def test_a_folder_that_has_lost_them(ggml: Ggml, tmp_path: Path) -> None:
    found = load(ggml, tmp_path)  # type: ignore[arg-type]
    assert (found, found.fit) == (Kernels("", 0), False)


def test_a_file_that_cannot_be_opened_or_made_ready(ggml: Ggml, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ggml.refuses = {"libggml-cpu-skylakex.so"}
    assert load(ggml, folder).kind == "haswell"  # type: ignore[arg-type]
    opened = kernels.ctypes.CDLL

    def damaged(path: str) -> object:
        if "haswell" in path:
            raise OSError("invalid ELF header")
        return opened(path)

    monkeypatch.setattr(kernels.ctypes, "CDLL", damaged)
    assert load(ggml, folder).kind == "sse42"  # type: ignore[arg-type]


def test_cards_come_before_the_processor(ggml: Ggml, folder: Path) -> None:
    for name in ("libggml-vulkan.so", "ggml-cuda.dll", "libggml-vulkan.so.0", "libggml-notes.txt"):
        (folder / name).write_bytes(b"")
    ggml.refuses = {"ggml-cuda.dll"}  # no driver: that is no reason not to compute at all
    assert load(ggml, folder).kind == "skylakex"  # type: ignore[arg-type]
    assert ggml.loaded == ["libggml-vulkan.so", "libggml-cpu-skylakex.so"]


def test_kernels_that_are_part_of_the_library_are_left_alone(folder: Path) -> None:
    built_for_one = Ggml(registered=1)
    assert load(built_for_one, folder) == LINKED  # type: ignore[arg-type]
    assert LINKED.fit
    assert built_for_one.loaded == []


def test_the_engine_that_is_installed_here() -> None:
    assert llama.KERNELS.fit
    assert any(device.kind == "cpu" for device in llama.devices()), "it is ready before anybody asks for a model"
    assert "CPU : " in llama.system_info()
    assert llama._LIBRARY.function("ggml_backend_cpu_buffer_type") is not None, "the kernels' own functions are found"
