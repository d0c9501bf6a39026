"""What the packages' engine is built of: the arguments, and a wheel that is made smaller and still is one."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import sys
import zipfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
ABOUT = "llama_cpp_python-0.3.36.dist-info"
WANTED = [
    "llama_cpp/__init__.py",
    "llama_cpp/llama_cpp.py",
    "llama_cpp/lib/libllama.so",
    "llama_cpp/lib/libggml.so",
    "llama_cpp/lib/libggml-base.so",
    "llama_cpp/lib/libggml-cpu-haswell.so",
    "llama_cpp/lib/libggml-cpu-armv8.2_1.so",
    "llama_cpp/lib/libllama.dylib",
    "llama_cpp/lib/ggml-cpu-alderlake.dll",
    f"{ABOUT}/METADATA",
    f"{ABOUT}/licenses/LICENSE.md",
]
LEFT = [
    "llama_cpp/lib/libggml-cpu-x64.so",
    "llama_cpp/lib/libllama-common.so",
    "llama_cpp/lib/libmtmd.so",
    "llama_cpp/lib/libllama.so.0.5.0",
    "llama_cpp/lib/cmake/llama/llama-config.cmake",
    "llama_cpp/lib/llama.lib",
    "llama_cpp/include/llama.h",
    "llama_cpp/server/app.py",
    "include/ggml.h",
    "lib/libllama.so",
    "bin/libggml-cpu-haswell.so",
    f"{ABOUT}/RECORD",
]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = spec_from_file_location("engine_build", ROOT / "packaging" / "engine" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel(folder: Path, names: list[str]) -> Path:
    made = folder / "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            archive.writestr(name, f"content of {name}")
    return made


def test_a_wheel_keeps_what_alcove_loads(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    made = build.pruned(wheel(tmp_path, [*WANTED, *LEFT]), tmp_path / "out")
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted([*WANTED, f"{ABOUT}/RECORD"])
        record = csv.reader(io.StringIO(archive.read(f"{ABOUT}/RECORD").decode()))
        rows = {name: (digest, size) for name, digest, size in record}
        assert set(rows) == set(archive.namelist())
        for name in WANTED:
            data = archive.read(name)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert rows[name] == (f"sha256={digest}", str(len(data)))
    build.refuse_unfit(made)


@pytest.mark.parametrize("missing", ["llama.", "ggml-base", "ggml-cpu"])
def test_a_wheel_that_would_not_run_ends_the_build(build: ModuleType, tmp_path: Path, missing: str) -> None:
    made = wheel(tmp_path, [name for name in WANTED if missing not in name.rpartition("/")[2]])
    with pytest.raises(SystemExit, match="holds no"):
        build.refuse_unfit(made)


def test_metal_is_kept_where_the_cards_have_what_it_needs(build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for processor in ("arm64", "x86_64"):
        monkeypatch.setattr(sys, "platform", "darwin")
        monkeypatch.setattr(build, "machine", lambda processor=processor: processor)
        told = build.arguments("darwin", "cpu")
        assert build.kept("llama_cpp/lib/libggml-metal.so") is ("-DGGML_METAL=ON" in told) is (processor == "arm64")


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_nothing_of_the_builder_gets_in(build: ModuleType, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MACOSX_DEPLOYMENT_TARGET", raising=False)
    told = build.arguments(platform, "vulkan")
    assert {"-DGGML_NATIVE=OFF", "-DGGML_BACKEND_DL=ON", "-DGGML_CPU_ALL_VARIANTS=ON", "-DGGML_VULKAN=ON"} <= set(told)
    assert ("-DCMAKE_OSX_DEPLOYMENT_TARGET=14.0" in told) is (platform == "darwin")
    assert any("$ORIGIN" in one for one in told) is (platform == "linux")
    assert ("-DGGML_OPENMP=OFF" in told) is (platform != "linux")
    assert "-DGGML_CUDA=ON" not in told


def test_the_version_is_one_that_alcove_runs_on(build: ModuleType) -> None:
    assert f"llama-cpp-python>={build.VERSION}" in (ROOT / "pyproject.toml").read_text()


def test_a_package_looks_at_its_processor_before_anything_else() -> None:
    """PyInstaller's own hook for Qt comes after ours, and would end the program without a word."""
    hooks = (ROOT / "packaging" / "alcove.spec").read_text().partition("runtime_hooks=[")[2].partition("],\n")[0]
    assert next(line for line in hooks.splitlines() if ".py" in line).endswith('"engine" / "first.py"),')
    assert (ROOT / "packaging" / "engine" / "first.py").is_file()
