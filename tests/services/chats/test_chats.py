"""Chats: what is kept, listed, removed and brought back."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from desktop.core.chat import Chat, Message, Opening, Role, Turn
from desktop.core.errors import StorageError
from desktop.core.generation import StopReason, Timings, Usage
from desktop.services.chats.chats import Chats
from desktop.services.identity import new_id
from desktop.services.paths import Paths
from tests.services.database import opened, run


def said(text: str, parent: str | None = None, role: Role = Role.USER) -> Message:
    return Message(new_id(), parent, role, text, time.time())


async def talk(chats: Chats, *texts: str) -> tuple[Chat, list[Message]]:
    chat = await chats.create(title="talk")
    made: list[Message] = []
    for number, text in enumerate(texts):
        role = Role.ASSISTANT if number % 2 else Role.USER
        made.append(said(text, made[-1].id if made else None, role))
        await chats.put(chat.id, made[-1])
    return await chats.get(chat.id), made


async def shown(chats: Chats, chat_id: str) -> list[str]:
    tree = await chats.messages(chat_id)
    return [m.text for m in tree.path((await chats.get(chat_id)).tip)]


def test_everything_of_a_chat_comes_back_after_a_start(paths: Paths) -> None:
    opening = Opening("한국어로만 답해요", (Turn(Role.USER, "안녕 👋"), Turn(Role.ASSISTANT, "네")), True, "chatml")
    reply = Message(
        *(new_id(), None, Role.ASSISTANT, "`code` 'quote' \"더블\"\r\n끝 ", 12.5, "Mistral 7B"),
        *(StopReason.LENGTH, Usage(10, 4, 7), Timings(1.5, 0.25, 80.0, 14.5)),
        note="because",
    )

    async def main() -> None:
        async with opened(paths) as chats:
            made = await chats.create(
                title="여행 ✈️", model="D'Angelò", opening=opening, settings={"stop": ("\n", "끝"), "seed": 4}
            )
            await chats.put(made.id, reply)
            before = await chats.get(made.id)
            assert before == replace(made, tip=reply.id, updated=before.updated)
        async with opened(paths) as chats:
            assert await chats.get(made.id) == before
            assert await chats.all() == [before]
            assert (await chats.messages(made.id))[reply.id] == reply

    run(main())


def test_characters_that_no_text_may_hold_do_not_cost_the_rest(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat = await chats.create(title="a\ud800\0b", opening=Opening("x\udfff"))
            message = said("before\0 \ud83d\ude00 \ud83d after")
            await chats.put(chat.id, message)
            found = await chats.get(chat.id)
            assert (found.title, found.opening.instruction) == ("a\ufffd\ufffdb", "x\ufffd")
            assert (await chats.messages(chat.id))[message.id].text == "before\ufffd 😀 \ufffd after"

    run(main())


def test_the_list_has_pinned_first_then_the_newest(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            made = [await chats.create(title=name) for name in ("one", "two", "three", "four")]
            await chats.put(made[1].id, said("newer"))
            await chats.update(made[0].id, pinned=True)
            await chats.bin(made[3].id)
            assert [c.title for c in await chats.all()] == ["one", "two", "three"]
            assert [c.title for c in await chats.all(binned=True)] == ["four"]
            await chats.unbin(made[3].id)
            assert len(await chats.all()) == 4
            await chats.purge(made[0].id)
            with pytest.raises(StorageError, match="no longer there"):
                await chats.get(made[0].id)
            with pytest.raises(StorageError, match="no longer there"):
                await chats.update(made[0].id, title="x")
            with pytest.raises(StorageError, match="no longer there"):
                await chats.put(made[0].id, said("to nobody"))

    run(main())


def test_a_title_is_one_line_of_bounded_length(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat = await chats.create(title="")
            assert (await chats.update(chat.id, title="  a\n\tb ", titled=True)).title == "a b"
            assert (await chats.update(chat.id, title="가" * 300)).title == "가" * 200
            assert (await chats.update(chat.id, model="x", settings={"seed": 1})).settings == {"seed": 1}
            with pytest.raises(TypeError):
                await chats.update(chat.id, id="other")  # type: ignore[call-arg]

    run(main())


def test_a_deleted_message_takes_what_is_below_and_comes_back(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, made = await talk(chats, "q1", "a1", "q2", "a2")
            removed = await chats.delete(chat.id, made[2].id)
            assert await shown(chats, chat.id) == ["q1", "a1"]
            assert (await chats.get(chat.id)).tip == made[1].id
            assert await chats.search("q2") == []
            await chats.restore(removed)
            assert await shown(chats, chat.id) == ["q1", "a1", "q2", "a2"]

    run(main())


def test_a_cleared_chat_is_at_its_opening_and_can_be_restored(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, _ = await talk(chats, "first", "answer")
            removed = await chats.clear(chat.id)
            assert await shown(chats, chat.id) == []
            fresh = said("again")
            await chats.put(chat.id, fresh)
            assert len((await chats.messages(chat.id)).siblings(fresh.id)) == 1
            await chats.restore(removed)
            assert await shown(chats, chat.id) == ["first", "answer"]

    run(main())


def test_the_bin_is_emptied_of_what_is_old_however_deep(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            parent: str | None = None
            deep = []
            for number in range(3000):  # deeper than SQLite follows by itself
                deep.append(said(f"turn {number}", parent))
                parent = deep[-1].id
            chat = Chat(new_id(), "deep", 1.0, 1.0, deep[-1].id)
            await chats.add_all([(chat, deep)])
            await chats.delete(chat.id, deep[1].id)
            old = await chats.create(title="old")
            await chats.bin(old.id)
            await chats.empty_bin(time.time() - 60)
            assert len(await chats.messages(chat.id)) == 3000
            await chats.empty_bin(time.time() + 60)
            assert len(await chats.messages(chat.id)) == 1
            assert await chats.all(binned=True) == []
            await chats.purge(chat.id)
            assert await chats.all() == []

    run(main())


def test_opening_a_long_chat_is_quick(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            usage, timings = Usage(1000, 900, 100), Timings(0.0, 0.31, 80.25, 14.125)
            made = [replace(said("가나다 word " * 20), usage=usage, timings=timings) for _ in range(999)]
            made.append(said("긴 답 " * 10_000))
            chat = Chat(new_id(), "long", 1.0, 1.0)
            await chats.add_all([(chat, made)])
            spent = []
            for _ in range(5):
                begun = time.perf_counter()
                assert len(await chats.messages(chat.id)) == 1000
                spent.append(time.perf_counter() - begun)
            assert min(spent) < 0.1  # 0.015 s on two idle cores; room for a busy machine

    run(main())


def test_names_are_unique_and_sort_by_time() -> None:
    first = new_id()
    time.sleep(0.02)
    names = [new_id() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert all(first < name for name in names)
