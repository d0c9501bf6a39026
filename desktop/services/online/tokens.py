"""The person's token for the Hub: from the environment (`HF_TOKEN`), or the system's keyring.

Invariant: a token is written to the keyring and nowhere else; the file `marker` only says that one is there, so that a
system without a token never asks to unlock its keyring. Where the token is sent is `services.online.web`'s to decide.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from enum import StrEnum
from pathlib import Path

from desktop.core.errors import N_, SettingError, StorageError
from desktop.services.disk import refused, write_whole

VARIABLE = "HF_TOKEN"
_SERVICE, _USER = "Alcove", "huggingface.co"
_FORM = re.compile(r"[\x21-\x7e]{8,500}")  # what may stand in a header; tokens have 37 characters
_AGAIN_S = 60.0  # whoever leaves a keyring locked is not asked at every click
_NO_TOKEN = N_(
    "That does not look like a token: it begins with “hf_” and has no blanks. Copy it again from the Hub's settings."
)
_NO_KEYRING = N_(
    "This system has no keyring in which the token could be kept. It is used until Alcove closes. To keep it, set up a "
    "keyring, or set HF_TOKEN in your environment."
)
_STAYS = N_("The keyring did not let the token go. Remove “Alcove” there yourself; Alcove does not use it any more.")


class Place(StrEnum):
    """Where the token in use comes from."""

    NONE = "none"
    ENVIRONMENT = "environment"  # wins over the keyring; only the person can change it
    KEYRING = "keyring"
    MEMORY = "memory"  # there is no keyring: until the program ends


class Tokens:
    """`get` may be called from any thread; one that waits for the keyring holds up the others, and no `set`."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker
        self._looking = threading.Lock()
        self._lock = threading.Lock()  # around what is entered, and what is found instead
        self._again_at = 0.0  # when a keyring that gave nothing is asked again, as the monotonic clock has it
        self._token: str | None = None  # None: not looked up yet
        self._kept = marker.exists()

    @property
    def place(self) -> Place:
        if _environment():
            return Place.ENVIRONMENT
        if self._kept:
            return Place.KEYRING
        return Place.MEMORY if self._token else Place.NONE

    def get(self) -> str:
        """The token, "" if there is none. May wait for a person who unlocks the keyring, so never on the loop."""
        if _environment():
            return _environment()
        if self._token is not None or not self._kept:
            return self._token or ""
        with self._looking:
            if self._token is None and time.monotonic() >= self._again_at:
                found = _looked_up()
                self._again_at = time.monotonic() + _AGAIN_S
                with self._lock:
                    if self._token is None:  # none was entered, or forgotten, while the keyring was asked
                        self._token = found
            return self._token or ""

    async def set(self, token: str) -> None:
        """Keeps a token. Raises `SettingError`, or `StorageError` where it holds only until the program ends."""
        token = token.strip()
        if not _FORM.fullmatch(token):
            raise SettingError(_NO_TOKEN)
        with self._lock:
            self._token = token
        await asyncio.to_thread(self._keep, token)

    async def forget(self) -> None:
        """Ends the use of the token, here and in the keyring. Raises `StorageError`."""
        with self._lock:
            self._token = ""
        if self._kept:
            await asyncio.to_thread(self._remove)

    def _keep(self, token: str) -> None:
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(_SERVICE, _USER, token)
        except (KeyringError, OSError, RuntimeError) as error:
            raise StorageError(_NO_KEYRING) from error
        write_whole(self._marker, b"The token for the Hub is in the keyring.\n")
        self._kept = True

    def _remove(self) -> None:
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        self._kept = False
        try:
            self._marker.unlink(missing_ok=True)
        except OSError as error:
            raise refused(error, self._marker) from error
        try:
            keyring.delete_password(_SERVICE, _USER)
        except PasswordDeleteError:
            pass  # the person had removed it there
        except (KeyringError, OSError, RuntimeError) as error:
            raise StorageError(_STAYS) from error


def unusable() -> bool:
    """Whether the environment holds something for a token that cannot be one; it is not used, nor sent."""
    return bool(os.environ.get(VARIABLE, "").strip()) and not _environment()


def _environment() -> str:
    token = os.environ.get(VARIABLE, "").strip()
    return token if _FORM.fullmatch(token) else ""


def _looked_up() -> str | None:
    """What the keyring holds; None where it is locked, or gone: the Hub then says what it needs."""
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_SERVICE, _USER) or ""
    except (KeyringError, OSError, RuntimeError):
        return None
