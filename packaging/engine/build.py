"""Builds the llama-cpp-python that packages carry: `python packaging/engine/build.py FOLDER` leaves one wheel there.

Invariant: the wheel runs on every processor that Alcove itself runs on (decision 014) and uses what a newer one has:
the CPU's kernels are compiled once for each kind, and `desktop.engine.kernels` takes the best at start. Nothing of the
computer that builds gets in. Of what llama-cpp-python installs, only what Alcove loads is kept, each library once.
It needs a C++ compiler, and ten minutes. For Vulkan and CUDA their own tools.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from platform import machine

VERSION = "0.3.36"
CARDS = {"cpu": "", "vulkan": "-DGGML_VULKAN=ON", "cuda": "-DGGML_CUDA=ON"}  # Metal: of every Mac with Apple silicon
PORTABLE = (
    "-DGGML_NATIVE=OFF",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_CPU_ALL_VARIANTS=ON",
    "-DLLAVA_BUILD=OFF",  # pictures: Alcove has none
    "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON",  # a wheel holds no links: each library would be in it three times
    "-DCMAKE_INSTALL_BINDIR=llama_cpp/lib",  # where the kernels go, as they are no targets of llama-cpp-python's own
    "-DCMAKE_INSTALL_LIBDIR=llama_cpp/lib",
)
OWN_THREADS = "-DGGML_OPENMP=OFF"  # its library is the compiler's, or Homebrew's: no part of these systems
STRIPPED = ("-DCMAKE_SHARED_LINKER_FLAGS=-Wl,-s", "-DCMAKE_MODULE_LINKER_FLAGS=-Wl,-s")
_LIBRARY = re.compile(r"llama_cpp/lib/(?:lib)?(?:llama|ggml(?:-[\w.-]+)?)\.(?:so|dylib|dll)")
_NEVER = re.compile(r"-x64\.|/lib(?:gcc|stdc)")  # kernels for processors on which Qt and numpy do not start


def arguments(platform: str, card: str) -> list[str]:
    """What CMake is told."""
    found = [*PORTABLE, *filter(None, [CARDS[card]])]
    if platform.startswith("linux"):
        found += ["-DCMAKE_INSTALL_RPATH=$ORIGIN", *STRIPPED]
    elif platform == "darwin":
        found += [OWN_THREADS, "-DCMAKE_INSTALL_RPATH=@loader_path", f"-DCMAKE_OSX_DEPLOYMENT_TARGET={macos_minimum()}"]
        found.append(f"-DGGML_METAL={'ON' if metal() else 'OFF'}")
    else:
        found.append(OWN_THREADS)
    return found


def metal() -> bool:
    """Whether cards are used by Metal. Those of Intel Macs lack what it needs."""
    return sys.platform == "darwin" and machine() == "arm64"


def macos_minimum() -> str:
    """Qt 6.11 runs from macOS 13 on, numpy's wheels with Apple's own algebra from 14 on."""
    return os.environ.get("MACOSX_DEPLOYMENT_TARGET", "14.0")


def kept(name: str) -> bool:
    """Whether a file of the wheel goes into ours: Python, the libraries that are loaded, the description."""
    if ".dist-info/" in name:
        return not name.endswith("/RECORD")
    if name.startswith("llama_cpp/lib/"):
        unused = "ggml-metal" in name and not metal()  # llama-cpp-python builds it on every Mac, whatever it is told
        return bool(_LIBRARY.fullmatch(name)) and not _NEVER.search(name) and not unused
    return name.startswith("llama_cpp/") and not name.startswith(("llama_cpp/server/", "llama_cpp/include/"))


def compiled(source: str, card: str, work: Path) -> Path:
    """The wheel as llama-cpp-python makes it. pip's own cache would give one that was built with other arguments."""
    environment = {**os.environ, "CMAKE_ARGS": " ".join(arguments(sys.platform, card))}
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--no-binary", "llama-cpp-python"]
    subprocess.run([*command, "--wheel-dir", str(work), source], env=environment, check=True)
    (wheel,) = work.glob("llama_cpp_python-*.whl")
    return wheel


def pruned(wheel: Path, folder: Path) -> Path:
    """The wheel without what Alcove never loads, in `folder` under the same name."""
    made = folder / wheel.name
    rows = []
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for entry in old.infolist():
            if entry.is_dir() or not kept(entry.filename):
                continue
            data = old.read(entry)
            new.writestr(entry, data, zipfile.ZIP_DEFLATED)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{entry.filename},sha256={digest},{len(data)}")
        record = next(name for name in old.namelist() if name.endswith(".dist-info/RECORD"))
        new.writestr(record, "\n".join([*rows, f"{record},,", ""]))
    return made


def refuse_unfit(wheel: Path) -> None:
    """Ends the build where the wheel would not run: without llama, or without any kernels of the CPU."""
    names = [Path(name).name for name in zipfile.ZipFile(wheel).namelist()]
    for needed in ("llama.", "ggml.", "ggml-base.", "ggml-cpu-"):
        if not any(name.removeprefix("lib").startswith(needed) for name in names):
            raise SystemExit(f"{wheel.name} holds no {needed.rstrip('.-')} library: something was installed elsewhere.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the portable llama-cpp-python for packages.")
    parser.add_argument("folder", type=Path, help="where the wheel goes")
    parser.add_argument("--card", choices=CARDS, default="cpu", help="kernels of graphics cards to add")
    parser.add_argument(
        "--source", default=f"llama-cpp-python=={VERSION}", help="a source archive that is here already"
    )
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        wheel = pruned(compiled(given.source, given.card, Path(work)), given.folder)
    refuse_unfit(wheel)
    print(wheel)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
