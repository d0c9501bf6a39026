"""Chats to files and back: through the disk, with new ids, all or nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.chat import Message, Opening, Role
from desktop.core.errors import ChatFileError, StorageError
from desktop.services.chats import transcripts as module
from desktop.services.chats.transcripts import Transcripts
from desktop.services.identity import new_id
from desktop.services.paths import Paths
from tests.services.chats.test_chats import shown, talk
from tests.services.database import opened, run

TEXTS = ("# 질문?\n\n```\ncode\n```", "답 😀\r\n<!-- alcove:1 {} -->", "last\n")


@pytest.mark.parametrize("name", ["내 채팅 D'Angelò.md", "chat.json", "CHAT.JSON", "no ending"])
def test_a_chat_goes_out_and_comes_in_as_another(paths: Paths, tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, made = await talk(chats, *TEXTS)
            chat = await chats.update(chat.id, opening=Opening("규칙"), settings={"seed": 7}, pinned=True, model="M")
            await Transcripts(chats).export(chat.id, tmp_path / name)
            (found,) = await Transcripts(chats).import_file(tmp_path / name)
            assert found.id != chat.id
            assert replace(found, id=chat.id, tip=chat.tip) == chat
            assert await shown(chats, found.id) == list(TEXTS)
            assert await shown(chats, chat.id) == list(TEXTS)
            assert await chats.get(found.id) == found
            tree = await chats.messages(found.id)
            assert all(m.id not in tree for m in made)
            assert len(await chats.all()) == 2

    run(main())


@pytest.mark.parametrize("name", ["all.md", "all.json"])
def test_all_chats_go_out_and_come_into_an_empty_alcove(paths: Paths, tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            for number in range(5):
                await talk(chats, f"question {number}", "answer")
            binned = await chats.create(title="binned")
            await chats.bin(binned.id)
            assert await Transcripts(chats).export_all(tmp_path / name) == 5
        other = Paths(tmp_path / "other")
        other.create()
        async with opened(other) as chats:
            assert len(await Transcripts(chats).import_file(tmp_path / name)) == 5
            listed = await chats.all()
            assert [(await shown(chats, c.id))[0] for c in listed] == [f"question {n}" for n in (4, 3, 2, 1, 0)]
            assert len(await chats.search("question")) == 5

    run(main())


def test_versions_are_in_json(paths: Paths, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, made = await talk(chats, "q", "a1")
            await chats.put(chat.id, Message(new_id(), made[0].id, Role.ASSISTANT, "a2", made[1].created + 1))
            await Transcripts(chats).export(chat.id, tmp_path / "c.json")
            (found,) = await Transcripts(chats).import_file(tmp_path / "c.json")
            tree = await chats.messages(found.id)
            assert [m.text for m in tree.siblings(str(found.tip))] == ["a1", "a2"]
            assert json.loads((tmp_path / "c.json").read_bytes())["format"] == "alcove-chat"

    run(main())


def test_a_file_with_one_bad_chat_adds_none(paths: Paths, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            await talk(chats, "one")
            await talk(chats, "two")
            await Transcripts(chats).export_all(tmp_path / "all.json")
            document = json.loads((tmp_path / "all.json").read_bytes())
            document["chats"][1]["messages"][0]["parent"] = "nowhere"
            (tmp_path / "all.json").write_text(json.dumps(document))
            with pytest.raises(ChatFileError):
                await Transcripts(chats).import_file(tmp_path / "all.json")
            assert len(await chats.all()) == 2

    run(main())


def test_a_disk_that_fills_during_an_import_leaves_nothing_of_it(paths: Paths, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            await talk(chats, "small")
            one, _ = await talk(chats, *(f"{n} " * 40_000 for n in range(12)))
            await Transcripts(chats).export_all(tmp_path / "all.json")
            await chats.purge(one.id)
            pages = await chats._store.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
            await chats._store.read(lambda db: db.execute(f"PRAGMA max_page_count={pages}").rowcount)
            big = json.loads((tmp_path / "all.json").read_bytes())
            big["chats"] *= 4
            (tmp_path / "all.json").write_text(json.dumps(big))
            with pytest.raises(StorageError, match="disk is full"):
                await Transcripts(chats).import_file(tmp_path / "all.json")
            assert len(await chats.all()) == 1
            assert await chats.all(binned=True) == []

    run(main())


def test_a_reply_in_progress_is_not_held_up_by_an_import(paths: Paths, tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, _ = await talk(chats, *(f"단어 {n} " * 4000 for n in range(40)))
            await Transcripts(chats).export(chat.id, tmp_path / "c.json")
            reply_chat, message = await chats.create(), Message(new_id(), None, Role.ASSISTANT, "", 1.0)
            async with chats.streaming(reply_chat.id, message) as reply:
                importing = asyncio.create_task(Transcripts(chats).import_file(tmp_path / "c.json"))
                seen = 0
                while not importing.done():
                    reply.append("x")
                    await asyncio.sleep(0.02)
                    rows = await chats._store.read(lambda db: db.execute("SELECT count(*) FROM journal").fetchone())
                    seen = max(seen, rows[0])
                assert len(await importing) == 1
                assert seen > 0
                reply.finish(reply.message)

    run(main())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{", b"hello", b"\xef\xbb\xbf{}", b"{" * 100_000])
def test_a_file_that_is_no_chat_is_refused(paths: Paths, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    async def main() -> None:
        async with opened(paths) as chats:
            with pytest.raises(ChatFileError, match="Nothing was imported"):
                await Transcripts(chats).import_file(tmp_path / "x")

    run(main())


def test_what_the_disk_refuses_is_said(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, _ = await talk(chats, "x")
            with pytest.raises(StorageError, match="is not there"):
                await Transcripts(chats).export(chat.id, tmp_path / "missing" / "x.md")
            with pytest.raises(StorageError, match="is a folder"):
                await Transcripts(chats).export(chat.id, tmp_path)
            with pytest.raises(StorageError, match="is not there"):
                await Transcripts(chats).import_file(tmp_path / "missing.md")
            with pytest.raises(StorageError, match="no longer there"):
                await Transcripts(chats).export("gone", tmp_path / "x.md")
            await Transcripts(chats).export(chat.id, tmp_path / "x.md")
            monkeypatch.setattr(module, "_LARGEST", 10)
            with pytest.raises(ChatFileError, match="larger than"):
                await Transcripts(chats).import_file(tmp_path / "x.md")

    run(main())
