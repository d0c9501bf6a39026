"""What the self-test looks at without the engine: the program's own files, the person's folder, and what the system
lends.

Invariant: nothing of the person's is changed, no connection is opened, and each check ends with a finding in words,
whatever it meets of the environment. That the guide answers is tried by `selftest`, what the engine can do by `doctor`.
"""

from __future__ import annotations

import hashlib
import sqlite3
import ssl
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from desktop.cli.doctor import Finding, free_disk
from desktop.core.errors import N_
from desktop.services.help import LANGUAGES
from desktop.services.paths import Paths
from desktop.ui import offscreen
from desktop.ui.translation import _

SUMS = "SHA256SUMS"  # of the resources; a package carries it, as `sha256sum` writes it
_PLATFORMS = {"linux": ("libqxcb.so", "libqwayland.so"), "darwin": ("libqcocoa.dylib",), "win32": ("qwindows.dll",)}
_AGAIN = N_("{files} missing or damaged. Install Alcove again; chats and models stay.")
_GOOD = N_("all there")


def files(resources: Path) -> Finding:
    """What came with the program, against its checksums; in a source tree, which has none, only that it is there."""
    topic = _(N_("Program files"))
    wrong = sorted(set(_unlike_sums(resources) if (resources / SUMS).exists() else _not_there(resources)))
    if wrong:
        named = ", ".join(wrong[:3]) + (" …" if len(wrong) > 3 else "")
        return Finding(topic, _(_AGAIN, files=named), well=False)
    return Finding(topic, _(_GOOD))


def _unlike_sums(resources: Path) -> Iterator[str]:
    for line in (resources / SUMS).read_text("utf-8", "replace").splitlines():
        digest, _blank, name = line.partition("  ")
        try:
            data = (resources / name).read_bytes()
        except OSError:
            data = b""
        if hashlib.sha256(data).hexdigest() != digest:
            yield name or SUMS


def _not_there(resources: Path) -> Iterator[str]:
    topics = {page.name for language in LANGUAGES for page in (resources / "help" / language).glob("*.md")}
    pages = [f"help/{language}/{name}" for language in LANGUAGES for name in topics or {"*.md"}]
    for name in ("guide/guide.gguf", "guide/pages.bin", "catalogue.toml", "icons/alcove.png", *pages):
        if not (resources / name).is_file():
            yield name


def translations(locale: Path) -> Finding:
    """Every catalogue loads, and none says what another leaves in English."""
    topic, known = _(N_("Translations")), dict[str, set[bytes]]()
    for language in LANGUAGES[1:]:
        file = locale / language / "LC_MESSAGES" / "alcove.mo"
        try:
            known[language] = _messages(file.read_bytes())
        except (OSError, ValueError, struct.error):
            return Finding(topic, _(_AGAIN, files=f"{language}/{file.name}"), well=False)
    every = set[bytes]().union(*known.values())
    short = [language for language, found in known.items() if len(found) < len(every)]
    if short or not every:
        return Finding(topic, _(_AGAIN, files=", ".join(short or known)), well=False)
    return Finding(topic, _(N_("{languages}: {count} sentences each"), languages=", ".join(known), count=len(every)))


def _messages(data: bytes) -> set[bytes]:
    """The ids of a compiled catalogue that have a translation (gettext's manual, 10.3). Raises `ValueError`."""
    magic, _revision, count, ids, texts = struct.unpack_from("<5I", data)
    if magic != 0x950412DE:
        raise ValueError(magic)
    found = set()
    for row in range(count):
        (length, at), (long, there) = (struct.unpack_from("<2I", data, table + 8 * row) for table in (ids, texts))
        if at + length >= len(data) or there + long >= len(data):
            raise ValueError(row)
        data[there : there + long].decode()
        if length and long:
            found.add(data[at : at + length])
    return found


def folder(paths: Paths) -> list[Finding]:
    """The person's own folder: can be written, and has room."""
    topic, home = _(N_("Data folder")), paths.home
    there = next(path for path in (home, *home.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):  # is gone again, also where it could not be removed by name
            pass
    except OSError as error:
        said = _(
            N_("{folder} cannot be written ({reason}). Check its permissions."), folder=home, reason=error.strerror
        )
        return [Finding(topic, said, well=False)]
    return [Finding(topic, str(home)), free_disk(there)]


def chats(paths: Paths) -> Finding:
    """The person's database, as it lies there, only read."""
    topic, file = _(N_("Your chats")), paths.database
    if not file.exists():
        return Finding(topic, _(N_("none yet")))
    settled = not file.with_name(f"{file.name}-wal").exists()  # then nobody has it open, and reading leaves no trace
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro{'&immutable=1' * settled}", uri=True)) as database:
            said = str(database.execute("PRAGMA quick_check(1)").fetchone()[0])
            count = int(database.execute("SELECT count(*) FROM chat").fetchone()[0])
    except sqlite3.Error as error:
        said, count = str(error), 0
    if said != "ok":
        damaged = N_("The database cannot be read whole ({reason}). Keep a copy of {file}, then start Alcove.")
        return Finding(topic, _(damaged, reason=said, file=file), well=False)
    return Finding(topic, _(N_("{count}, readable"), count=count))


def certificates() -> Finding:
    """Whether this system's trusted certificates are found, by which every connection is checked. None is opened."""
    import httpx2

    topic = _(N_("Certificates"))
    try:
        context = httpx2.create_ssl_context()
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
        count = context.cert_store_stats()["x509_ca"]
    except (OSError, ValueError) as error:
        return Finding(topic, _(N_("cannot be used ({reason})"), reason=str(error)), well=False)
    folder = ssl.get_default_verify_paths().capath
    if count or sys.platform in ("darwin", "win32") or (folder and any(Path(folder).iterdir())):
        return Finding(topic, _(N_("{count} trusted authorities"), count=count) if count else _(N_("the system's own")))
    none = N_("This system has none, so nothing can be downloaded. Install its package of certificates.")
    return Finding(topic, _(none), well=False)


def keyring() -> Finding:
    """Where a token for the Hub would be kept. To have no such place is no fault: few need a token."""
    import keyring
    from keyring.backends import fail

    found = keyring.get_keyring()
    if isinstance(found, fail.Keyring):
        return Finding(_(N_("Keyring")), _(N_("none: a token for the Hub would be kept until Alcove closes")))
    return Finding(_(N_("Keyring")), str(found.name))


def display() -> list[Finding]:
    """A window is made and drawn, with letters, where nobody sees it; and what would show one here is there."""
    offscreen.choose()
    from PySide6.QtCore import QLibraryInfo, QPluginLoader
    from PySide6.QtGui import QFontDatabase
    from PySide6.QtWidgets import QApplication, QLabel

    from desktop.ui.icons import Icon, icon

    app = QApplication.instance() or QApplication([])
    label = QLabel("Alcove 알코브 àèìòù")
    drawn = not label.grab().isNull() and not icon(Icon.CLOSE, "black").pixmap(16, 16).isNull()
    label.deleteLater()
    lettered = bool(QFontDatabase.families())
    said = N_("letters and pictures") if lettered else N_("This system has no fonts. Install some.")
    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    loaders = {name: QPluginLoader(str(plugins / name)) for name in _PLATFORMS.get(sys.platform, ())}
    usable = any(loader.load() for loader in loaders.values()) or not loaders
    reasons = "; ".join(f"{name}: {loader.errorString()}" for name, loader in loaders.items())
    lacking = _(N_("No window can be opened ({reason}). Install the libraries that are named there."), reason=reasons)
    return [
        Finding(_(N_("Drawing")), _(said), drawn and lettered and app is not None),
        Finding(_(N_("Window system")), _(_GOOD) if usable else lacking, usable),
    ]
