"""Publishes a version: writes and signs the file that Alcove reads to tell of it (`desktop.services.online.updates`).

    ALCOVE_UPDATE_KEY=… python packaging/sign_update.py FOLDER --page https://… --note en="…" --note ko="…"
    python packaging/sign_update.py --new-key

Invariant: what is written is what the program itself believes, which is tried before anything is left in FOLDER. The
key is the 32 bytes of an Ed25519 seed in base64; it is taken from the environment only, and never printed but once,
when it is made. Its public half belongs into `KEYS` of `desktop/services/online/updates.py`, beside the one before.
The file expires: who keeps it back can hide a version from people for so long, and no longer. Needs `cryptography`.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desktop import __version__
from desktop.core.update import NotNews, read
from desktop.services.online.updates import KEYS

VARIABLE = "ALCOVE_UPDATE_KEY"
NAME = "alcove.json"
# The oldest that the packages run on, as `docs/install.md` has it: of Linux, the C library
SYSTEMS = {"macos": "14.0", "windows": "10.0.17763", "linux": "2.35"}
DAYS = 90  # after that it is signed again, with the same version, by whoever publishes


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def key_of_environment() -> Ed25519PrivateKey:
    """The publisher's key. Ends the program in a sentence where there is none."""
    try:
        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(os.environ.get(VARIABLE, ""), validate=True))
    except ValueError:
        raise SystemExit(f"{VARIABLE} holds no key. It is what --new-key printed; nothing was written.") from None


def signed(row: dict[str, object], key: Ed25519PrivateKey) -> tuple[bytes, bytes]:
    """The file and its signature, as they are published."""
    data = json.dumps(row, ensure_ascii=False, indent=1).encode() + b"\n"
    return data, base64.b64encode(key.sign(data)) + b"\n"


def publish(folder: Path, row: dict[str, object], key: Ed25519PrivateKey, keys: tuple[bytes, ...] = KEYS) -> Path:
    """Writes both files, if Alcove would believe them."""
    data, signature = signed(row, key)
    try:
        read(data, base64.b64decode(signature), keys)
    except NotNews as reason:
        raise SystemExit(f"Alcove would not believe this: {reason}. Nothing was written.") from reason
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(data)
    (folder / f"{NAME}.sig").write_bytes(signature)
    return folder / NAME


def new_key() -> None:
    key = Ed25519PrivateKey.generate()
    seed = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    print(f"{VARIABLE}={base64.b64encode(seed).decode()}\npublic half, for KEYS: {public(key).hex()}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Publishes a version of Alcove.")
    parser.add_argument("folder", type=Path, nargs="?", help="where the two files go")
    parser.add_argument("--page", help="where people read about it and fetch it")
    parser.add_argument("--note", action="append", default=[], metavar="LANGUAGE=TEXT", help="what is new, in a line")
    parser.add_argument("--version", default=__version__)
    parser.add_argument("--days", type=int, default=DAYS, help="how long it is believed")
    parser.add_argument("--new-key", action="store_true", help="print a new key and end")
    given = parser.parse_args()
    if given.new_key:
        new_key()
        return 0
    if given.folder is None or given.page is None:
        parser.error("a folder and --page are needed")
    now = datetime.now(UTC).replace(microsecond=0)
    row = {
        "version": given.version,
        "published": now.isoformat(),
        "expires": (now + timedelta(days=given.days)).isoformat(),
        "page": given.page,
        "notes": dict(note.split("=", 1) for note in given.note),
        "systems": SYSTEMS,
    }
    print(publish(given.folder, row, key_of_environment()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
