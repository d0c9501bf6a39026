"""What is published about a new version of Alcove, and whether it is news.

Invariant: nothing is believed that the publisher did not sign; what is older than what is installed, or than what was
published before, is no news, nor is what has expired: a true file that is kept back, or shown again, does no harm. A
version is told of, never fetched. Nothing is asked or kept here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from packaging.version import InvalidVersion, Version

LARGEST = 64 << 10  # bytes of the file; one note a language has some hundred
_LONGEST_NOTE = 300  # characters: what a bar can show
_FIRST, _LONG_AGO = Version("0"), datetime.min.replace(tzinfo=UTC)
_AHEAD = timedelta(days=1)  # by how much this computer's clock may be behind


class NotNews(ValueError):
    """Why a file says nothing to us, for the log."""


@dataclass(frozen=True, slots=True)
class Update:
    """One published version. `notes` are one short text a language; `systems` the oldest that it runs on."""

    version: Version
    published: datetime
    expires: datetime
    page: str
    notes: Mapping[str, str]
    systems: Mapping[str, str]

    def note(self, language: str) -> str:
        return self.notes.get(language) or self.notes.get("en", "")


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest that was ever published, as far as this computer knows."""

    version: Version = _FIRST
    published: datetime = _LONG_AGO


def read(data: bytes, signature: bytes, keys: Iterable[bytes]) -> Update:
    """The file as it was published. Raises `NotNews` for anything else."""
    if len(data) > LARGEST:
        raise NotNews("it is too large")
    if not any(signed(key, signature, data) for key in keys):
        raise NotNews("it is not signed by the publisher")
    try:
        row = json.loads(data)
        return Update(
            Version(row["version"]),
            _moment(row["published"]),
            _moment(row["expires"]),
            _page(row["page"]),
            {str(language): _line(note) for language, note in row["notes"].items()},
            {str(system): str(Version(least)) for system, least in row["systems"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise NotNews(f"it is not written as was agreed: {error!r}") from error


def signed(key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the owner of this public key signed the data, by Ed25519 (RFC 8032)."""
    from cryptography.exceptions import InvalidSignature  # not at the top: 20 ms that only who asks for news spends
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def judge(found: Update, installed: str, seen: Seen, now: datetime, system: tuple[str, str]) -> None:
    """Raises `NotNews` where the person has nothing from this. `system` is its name and its version, "" if unknown."""
    if found.expires <= now:
        raise NotNews("it has expired")
    if found.published > now + _AHEAD:
        raise NotNews("it is from the future")
    if found.published < seen.published or found.version < seen.version:
        raise NotNews("a later one was published before")
    if found.version <= Version(installed):
        raise NotNews("it is installed")
    if found.version.is_prerelease and not Version(installed).is_prerelease:
        raise NotNews("it is a trial version")
    name, version = system
    if name not in found.systems:
        raise NotNews("there is none for this system")
    try:
        if version and Version(version) < Version(found.systems[name]):
            raise NotNews("this system is too old for it")
    except InvalidVersion:
        return  # of the system; then the page says what it needs


def latest(found: Update, seen: Seen, now: datetime) -> Seen:
    """What is to be remembered as the newest: nothing that has expired, comes from the future, or is older."""
    good = found.expires > now >= found.published - _AHEAD
    newer = found.published >= seen.published and found.version >= seen.version
    return Seen(found.version, found.published) if good and newer else seen


def _moment(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _page(text: object) -> str:
    if not (isinstance(text, str) and text.startswith("https://") and text.isprintable() and " " not in text):
        raise ValueError(text)
    return text


def _line(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    return " ".join(text.split())[:_LONGEST_NOTE]
