"""What was typed and not sent is there after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from desktop.services.chats.drafts import Drafts


def test_what_was_typed_is_there_again(tmp_path: Path) -> None:
    async def main() -> None:
        drafts = Drafts(tmp_path / "drafts.json")
        drafts["a"] = "안녕하세요 \U0001f642"
        drafts["b"] = "gone"
        del drafts["b"]
        drafts["empty"] = "  "
        await drafts.close()

    asyncio.run(main())
    assert dict(Drafts(tmp_path / "drafts.json")) == {"a": "안녕하세요 \U0001f642"}


def test_it_is_written_while_the_person_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.chats.drafts.BEHIND_S", 0.01)

    async def main() -> None:
        drafts = Drafts(tmp_path / "drafts.json")
        drafts["a"] = "one"
        for _ in range(500):
            if dict(Drafts(tmp_path / "drafts.json")) == {"a": "one"}:
                break
            await asyncio.sleep(0.01)
        assert dict(Drafts(tmp_path / "drafts.json")) == {"a": "one"}

    asyncio.run(main())


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"a": 1}', b"[" * 100_000])
def test_a_damaged_file_costs_only_the_drafts(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "drafts.json").write_bytes(damage)
    assert dict(Drafts(tmp_path / "drafts.json")) == {}


def test_a_disk_that_refuses_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    async def main() -> None:
        drafts = Drafts(tmp_path / "file" / "drafts.json")
        drafts["a"] = "one"
        await drafts.close()

    asyncio.run(main())
