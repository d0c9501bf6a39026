"""What downloads need of the place where models are kept: `services.models.library` is one. Nothing happens here."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from desktop.services.models.modelfiles import Model, Origin


class Shelf(Protocol):
    """Where models are kept: `services.models.library`."""

    @property
    def folder(self) -> Path: ...

    def require_folder(self) -> None: ...

    async def add(self, path: Path, origin: Origin) -> Model: ...
