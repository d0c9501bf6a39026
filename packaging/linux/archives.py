"""Makes of the folder `dist/alcove` what people on Linux are given: a `.tar.gz` that runs where it lies, and a `.deb`.

Invariant: the same folder gives the same bytes: names are sorted, owners are root, times are the commit's. The package
needs no scripts of its own: the system's triggers see to menus, icons and file types. What the program needs of the
system is asked of its binaries by `dpkg-shlibdeps`.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import product

_HERE = Path(__file__).resolve().parent
_HICOLOR = (16, 24, 32, 48, 64, 128, 256, 512)
_GTK = "libqgtk3.so"  # used where GTK is there; needs no installing
_MAINTAINER = "The Alcove developers <packages@alcove.dev>"
_CONTROL = """Package: alcove
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: {depends}, ca-certificates
Recommends: xdg-utils
Suggests: libgtk-3-0
Section: utils
Priority: optional
Homepage: https://alcove.dev
Description: talk to open language models on your own computer
 Alcove talks at once: a small guide is built in. For everything else it finds
 a larger model, says before the download whether it fits this computer and
 how fast it will be, and from then on nothing you write leaves it.
"""
_PARTS = """
Alcove brings works of others. Each is named, with its licence, in
/usr/lib/alcove/_internal/desktop/resources/licences.txt
"""
_OVERRIDES = """# The program brings what it was tested with, as its makers built it.
# It runs on systems of other ages and makers.
alcove: embedded-library
alcove: library-not-linked-against-libc
alcove: shared-library-is-executable
alcove: unstripped-binary-or-object
alcove: hardening-no-pie [usr/lib/alcove/alcove]
"""


def make(moment: int) -> None:
    """Both, beside the folder; `moment` is the time of every file."""
    _archive(moment)
    if shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"):
        _package(moment)
    else:
        print("No .deb: dpkg-deb and dpkg-shlibdeps (of dpkg-dev) are not installed.")


def _archive(moment: int) -> None:
    """A folder with the program in it, and what a desktop needs to know of it beside."""
    name = f"alcove-{product.VERSION}-linux-{os.uname().machine}"
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / name
        shutil.copytree(product.STAGED, root, symlinks=True)
        _shared(root / "share", moment)
        shutil.copy(_HERE / "install.txt", root / "README.txt")
        shutil.copy(product.LICENCES, root / "LICENCES.txt")
        target = product.DIST / f"{name}.tar.gz"
        with gzip.GzipFile(target, "wb", mtime=moment) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
            for path in (root, *sorted(root.rglob("*"))):
                archive.add(path, path.relative_to(made), recursive=False, filter=lambda entry: _owned(entry, moment))
    print(f"{target.stat().st_size / 1e6:7.1f} MB  {target.name}")


def _owned(entry: tarfile.TarInfo, moment: int) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime, entry.mode = moment, _mode(entry.mode)
    return entry


def _mode(mode: int) -> int:
    """Everybody may read, and nobody write but the owner; whatever the builder's umask was."""
    return 0o755 if mode & 0o100 else 0o644


def _shared(share: Path, moment: int) -> None:
    """Desktop entry, file type, AppStream and icons, as they lie below /usr/share."""
    identifier = product.IDENTIFIER
    texts = {
        f"applications/{identifier}.desktop": f"{identifier}.desktop",
        f"mime/packages/{identifier}.xml": f"{identifier}.mime.xml",
        f"metainfo/{identifier}.metainfo.xml": f"{identifier}.metainfo.xml",
    }
    date = datetime.fromtimestamp(moment, UTC).date().isoformat()
    for name, source in texts.items():
        text = (_HERE / source).read_text("utf-8").replace("@VERSION@", product.VERSION).replace("@DATE@", date)
        _put(share / name, text)
    _look_at(share)
    for size in _HICOLOR:
        _copy(product.ICONS / f"alcove-{size}.png", share / f"icons/hicolor/{size}x{size}/apps/{identifier}.png")
    drawing = product.ROOT / "resources" / "icons" / "alcove.svg"
    _copy(drawing, share / f"icons/hicolor/scalable/apps/{identifier}.svg")


def _look_at(share: Path) -> None:
    """Lets those judge the texts who know the rules, where they are installed."""
    for judge, path in (
        (["desktop-file-validate"], share / f"applications/{product.IDENTIFIER}.desktop"),
        (["appstreamcli", "validate", "--no-net", "--pedantic"], share / f"metainfo/{product.IDENTIFIER}.metainfo.xml"),
    ):
        if shutil.which(judge[0]):
            subprocess.run([*judge, str(path)], check=True, stdout=subprocess.DEVNULL)
        else:
            print(f"{judge[0]} is not installed: {path.name} was not looked at.")


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _package(moment: int) -> None:
    """/usr/lib/alcove with the folder in it, /usr/bin/alcove that leads there, and what a desktop needs to know."""
    architecture = subprocess.check_output(["dpkg", "--print-architecture"], text=True).strip()
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        shutil.copytree(product.STAGED, root / "usr/lib/alcove", symlinks=True)
        (root / "usr/bin").mkdir()
        (root / "usr/bin/alcove").symlink_to("../lib/alcove/alcove")
        _shared(root / "usr/share", moment)
        doc = root / "usr/share/doc/alcove"
        _put(doc / "copyright", (product.ROOT / "LICENSE").read_text("utf-8") + _PARTS)
        _put(root / "usr/share/lintian/overrides/alcove", _OVERRIDES)
        (doc / "changelog.gz").write_bytes(gzip.compress(_changelog(moment).encode(), mtime=moment))
        size = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir()) // 1024
        told = {"architecture": architecture, "maintainer": _MAINTAINER, "size": size, "version": product.VERSION}
        _put(root / "DEBIAN/md5sums", "".join(_sums(root)))
        _put(root / "DEBIAN/control", _CONTROL.format(depends=needed(product.STAGED), **told))
        for path in (root, *root.rglob("*")):
            if not path.is_symlink():
                path.chmod(_mode(path.stat().st_mode))
        target = product.DIST / f"alcove_{product.VERSION}_{architecture}.deb"
        surroundings = {**os.environ, "SOURCE_DATE_EPOCH": str(moment)}
        command = ["dpkg-deb", "--root-owner-group", "--build", str(root), str(target)]
        subprocess.run(command, check=True, env=surroundings, stdout=subprocess.DEVNULL)
    print(f"{target.stat().st_size / 1e6:7.1f} MB  {target.name}")


def _changelog(moment: int) -> str:
    date = datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    news = "See the notes of this version in the program's CHANGELOG."
    return f"alcove ({product.VERSION}) unstable; urgency=medium\n\n  * {news}\n\n -- {_MAINTAINER}  {date}\n"


def _sums(root: Path) -> Iterator[str]:
    import hashlib

    for path in sorted((root / "usr").rglob("*")):
        if path.is_file() and not path.is_symlink():
            told = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            yield f"{told}  {path.relative_to(root)}\n"


def needed(staged: Path) -> str:
    """The packages that bring the libraries the program does not, as Debian names them."""
    binaries = [p for p in staged.rglob("*") if p.is_file() and not p.is_symlink() and _is_elf(p) and p.name != _GTK]
    folders = {path.parent for path in binaries}
    with tempfile.TemporaryDirectory() as made:
        _put(Path(made) / "debian/control", "Source: alcove\n\nPackage: alcove\nArchitecture: any\n")
        command = ["dpkg-shlibdeps", "-O", "--ignore-missing-info", "--warnings=0"]
        command += [f"-l{folder}" for folder in sorted(folders)] + [f"-e{path}" for path in sorted(binaries)]
        said = subprocess.check_output(command, cwd=made, text=True, stderr=subprocess.DEVNULL)
    found = re.search(r"^shlibs:Depends=(.*)$", said, re.MULTILINE)
    assert found, "dpkg-shlibdeps said nothing"
    brought = _packages(path.name for path in (staged / "_internal").iterdir() if ".so" in path.name)
    return ", ".join(one for one in found[1].split(", ") if one.split()[0] not in brought)


def _packages(libraries: Iterable[str]) -> set[str]:
    """Those of this system that hold libraries of these names: the program brings its own instead."""
    names = [f"*/{library}" for library in libraries]
    said = subprocess.run(["dpkg-query", "-S", *names], capture_output=True, text=True, check=False).stdout
    return {line.split(":")[0] for line in said.splitlines()}


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
