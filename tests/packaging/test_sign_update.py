"""What is published is what Alcove believes: the script is run as a publisher does."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desktop.core.update import read, signed

ROOT = Path(__file__).resolve().parents[2]
SEED = bytes([5]) * 32
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
# the script as it is, with a key of the test's beside the publisher's
RUN = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
from desktop.services.online import updates
updates.KEYS = (*updates.KEYS, bytes.fromhex({PUBLIC.hex()!r}))
sys.argv[0] = {str(ROOT / "packaging" / "sign_update.py")!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def sign(*given: object, key: str = base64.b64encode(SEED).decode()) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ALCOVE_UPDATE_KEY": key, "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", RUN, *map(str, given)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_version_is_published(tmp_path: Path) -> None:
    done = sign(tmp_path, "--page", "https://alcove.dev/x", "--note", "en=Faster = better.", "--version", "2.0")
    assert done.returncode == 0, done.stderr
    data = (tmp_path / "alcove.json").read_bytes()
    found = read(data, base64.b64decode((tmp_path / "alcove.json.sig").read_bytes()), (PUBLIC,))
    assert (str(found.version), found.note("ko")) == ("2.0", "Faster = better.")
    assert 89 <= (found.expires - found.published).days <= 90
    assert set(found.systems) == {"macos", "windows", "linux"}


@pytest.mark.parametrize(
    ("key", "page", "words"),
    [
        ("", "https://a.dev", "holds no key"),
        ("nonsense", "https://a.dev", "holds no key"),
        (base64.b64encode(bytes(32)).decode(), "https://a.dev", "not signed by the publisher"),
        (base64.b64encode(SEED).decode(), "http://a.dev", "not written as was agreed"),
    ],
)
def test_what_would_not_be_believed_is_not_written(tmp_path: Path, key: str, page: str, words: str) -> None:
    done = sign(tmp_path / "out", "--page", page, key=key)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
    assert not key or key not in done.stderr


def test_a_new_key_works() -> None:
    lines = sign("--new-key").stdout.splitlines()
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(lines[0].partition("=")[2]))
    assert signed(bytes.fromhex(lines[1].split()[-1]), key.sign(b"x"), b"x")
