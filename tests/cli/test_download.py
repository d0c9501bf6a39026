"""`alcove download`, where it ends before it began."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.cli.download import _arrived, _queued
from desktop.core.errors import HubError, Sealed
from desktop.services.paths import Paths


def test_offline_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        async with Assembly.opened(Paths(tmp_path)) as alcove:
            alcove.network.sealed = True
            await _arrived(alcove, await _queued(alcove, "https://example.org/x.gguf"))

    with pytest.raises(Sealed, match="Alcove is offline"):  # which `cli.main` prints
        asyncio.run(main())
    assert "offline" not in capsys.readouterr().err


def test_an_address_without_encryption_is_called_that(tmp_path: Path) -> None:
    async def main() -> None:
        async with Assembly.opened(Paths(tmp_path)) as alcove:
            await _queued(alcove, "http://example.org/x.gguf")

    with pytest.raises(HubError, match="is not encrypted"):
        asyncio.run(main())
