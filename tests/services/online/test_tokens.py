"""The token: from the environment or the keyring, and never where it can be read."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from desktop.core.errors import SettingError, StorageError
from desktop.services.online.tokens import Place, Tokens

TOKEN = "hf_" + "a" * 34


class Ring(KeyringBackend):
    """A keyring in memory; `locked` is one whose owner does not type the password."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.locked:
            raise KeyringLocked("locked")
        if (service, username) not in self.held:
            raise PasswordDeleteError("not there")
        del self.held[service, username]


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "token"


def test_a_token_is_kept_in_the_keyring_only(ring: Ring, marker: Path, tmp_path: Path) -> None:
    tokens = Tokens(marker)
    assert (tokens.get(), tokens.place, ring.asked) == ("", Place.NONE, 0)
    asyncio.run(tokens.set(f" {TOKEN}\n"))
    assert (tokens.get(), tokens.place) == (TOKEN, Place.KEYRING)
    again = Tokens(marker)
    assert (again.get(), again.get(), again.place, ring.asked) == (TOKEN, TOKEN, Place.KEYRING, 1)
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_forgetting(ring: Ring, marker: Path) -> None:
    tokens = Tokens(marker)
    asyncio.run(tokens.forget())
    asyncio.run(tokens.set(TOKEN))
    asyncio.run(tokens.forget())
    assert (tokens.get(), tokens.place, ring.held) == ("", Place.NONE, {})
    assert Tokens(marker).get() == ""


def test_what_the_person_removed_in_the_keyring_is_forgotten_without_a_word(ring: Ring, marker: Path) -> None:
    tokens = Tokens(marker)
    asyncio.run(tokens.set(TOKEN))
    ring.held.clear()
    asyncio.run(tokens.forget())
    assert not marker.exists()


def test_a_locked_keyring_is_like_none(ring: Ring, marker: Path) -> None:
    asyncio.run(Tokens(marker).set(TOKEN))
    ring.locked = True
    tokens = Tokens(marker)
    assert tokens.get() == ""
    with pytest.raises(StorageError, match="Remove “Alcove” there yourself"):
        asyncio.run(tokens.forget())
    assert tokens.place is Place.NONE


def test_a_keyring_that_was_locked_is_asked_again_later(
    ring: Ring, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(Tokens(marker).set(TOKEN))
    ring.locked = True
    tokens = Tokens(marker)
    assert (tokens.get(), tokens.get(), ring.asked) == ("", "", 1)
    ring.locked = False
    monkeypatch.setattr(tokens, "_again_at", 0.0)  # a minute later
    assert (tokens.get(), tokens.get(), ring.asked) == (TOKEN, TOKEN, 2)


@pytest.mark.parametrize("entered", ["hf_another_one", ""])
def test_what_is_entered_while_the_keyring_is_asked_stays(ring: Ring, marker: Path, entered: str) -> None:
    asyncio.run(Tokens(marker).set(TOKEN))
    tokens, asked, answered = Tokens(marker), threading.Event(), threading.Event()
    look_up = ring.get_password

    def slowly(service: str, username: str) -> str | None:
        found = look_up(service, username)
        asked.set()
        answered.wait(10)
        return found

    ring.get_password = slowly  # type: ignore[method-assign]
    getting = threading.Thread(target=tokens.get)
    getting.start()
    asked.wait(10)
    asyncio.run(tokens.set(entered) if entered else tokens.forget())
    assert tokens.get() == entered  # and nobody waits
    answered.set()
    getting.join()
    assert tokens.get() == entered


def test_the_environment_wins(ring: Ring, marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(marker)
    asyncio.run(tokens.set(TOKEN))
    monkeypatch.setenv("HF_TOKEN", " hf_from_the_environment ")
    assert (tokens.get(), tokens.place) == ("hf_from_the_environment", Place.ENVIRONMENT)
    monkeypatch.setenv("HF_TOKEN", "two words")
    assert (tokens.get(), tokens.place) == (TOKEN, Place.KEYRING)


@pytest.mark.parametrize(
    "text", ["", "hf_", "two words here", "hf_aaaaaaaaaa\nX-Other: 1", "토큰토큰토큰토큰", "a" * 501]
)
def test_what_is_no_token_is_refused(ring: Ring, marker: Path, text: str) -> None:
    tokens = Tokens(marker)
    with pytest.raises(SettingError, match="does not look like a token"):
        asyncio.run(tokens.set(text))
    assert tokens.place is Place.NONE


def test_without_a_keyring_it_holds_until_the_end(ring: Ring, marker: Path) -> None:
    keyring.set_keyring(NoKeyring())
    tokens = Tokens(marker)
    with pytest.raises(StorageError, match="no keyring"):
        asyncio.run(tokens.set(TOKEN))
    assert (tokens.get(), tokens.place) == (TOKEN, Place.MEMORY)
    assert Tokens(marker).get() == ""
    asyncio.run(tokens.forget())
    assert tokens.place is Place.NONE


def test_a_system_without_any_keyring_says_so_too(tmp_path: Path) -> None:
    """The real library, in a process without a desktop."""
    program = (
        "import asyncio; from pathlib import Path; from desktop.services.online.tokens import Tokens\n"
        f"try: asyncio.run(Tokens(Path({str(tmp_path / 'token')!r})).set('{TOKEN}'))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    environment.pop("HF_TOKEN", None)
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "StorageError", done.stderr
