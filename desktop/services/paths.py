"""Where Alcove keeps its things: one data folder, and the resources that came with the program.

Invariant: everything a person makes lies below `home`, which `ALCOVE_HOME` moves as a whole. Folders are made when
`create` is called and not before. Nothing is read or written here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from desktop.services.disk import refused


@dataclass(frozen=True, slots=True)
class Paths:
    """The data folder; every other place is derived from it."""

    home: Path

    @classmethod
    def of_person(cls) -> Paths:
        """`ALCOVE_HOME` where it is set, else the system's place for a program's data."""
        chosen = os.environ.get("ALCOVE_HOME")
        if chosen:
            return cls(Path(chosen).expanduser().absolute())
        from platformdirs import user_data_dir

        return cls(Path(user_data_dir("Alcove", appauthor=False)))

    @property
    def database(self) -> Path:
        return self.home / "alcove.db"

    @property
    def preferences(self) -> Path:
        return self.home / "preferences.toml"

    @property
    def library(self) -> Path:
        return self.home / "library.json"

    @property
    def drafts(self) -> Path:
        return self.home / "drafts.json"

    @property
    def connections(self) -> Path:
        return self.home / "connections.jsonl"

    @property
    def token(self) -> Path:
        """Only says that the keyring has one."""
        return self.home / "token"

    @property
    def downloads(self) -> Path:
        return self.home / "downloads.json"

    @property
    def updates(self) -> Path:
        """When a newer version was asked for, and what the newest was."""
        return self.home / "updates.json"

    @property
    def measured(self) -> Path:
        return self.home / "measured.json"

    @property
    def cache(self) -> Path:
        """What can be fetched again."""
        return self.home / "cache"

    @property
    def states(self) -> Path:
        """What models have read of chats, so that they need not read it again."""
        return self.home / "states"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def backups(self) -> Path:
        return self.home / "backups"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def create(self) -> None:
        """Makes the folders. Raises `StorageError` where that is not possible."""
        for folder in (self.home, self.models, self.bin, self.backups, self.logs):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise refused(error, folder) from error


def resources() -> Path:
    """The folder of what ships with the program: beside the package when installed, else in the source tree."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"
