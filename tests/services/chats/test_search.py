"""Searching: every language, short words, special characters, and only what can be seen."""

from __future__ import annotations

import time

import pytest

from desktop.core.chat import Chat, Message, Role
from desktop.services.chats.chats import Chats
from desktop.services.chats.search import Hit
from desktop.services.identity import new_id
from desktop.services.paths import Paths
from tests.services.chats.test_chats import talk
from tests.services.database import opened, run

TEXTS = (
    "한국어를 배우고 싶어요",
    'He said "quantised" AND left',
    "100% of C++ users_here",
    "perché È così",
    "NEAR the sea* (col:x)",
    "back\\slash 😀 emoji",
)


def marked(hit: Hit) -> list[str]:
    return [hit.snippet[start:end] for start, end in hit.marks]


@pytest.mark.parametrize(
    ("query", "number", "marks"),
    [
        ("한국어", 0, ["한국어"]),
        ("국어", 0, ["국어"]),
        ("어", 0, ["어", "어"]),
        ("배우고 한국", 0, ["한국", "배우고"]),
        ('"QUANTISED"', 1, ['"quantised"']),
        ("and LEFT said", 1, ["said", "AND", "left"]),
        ("0%", 2, ["0%"]),
        ("s_h", 2, ["s_h"]),
        ("C++", 2, ["C++"]),
        ("è", 3, ["È", "ì"[:0]]),
        ("COSÌ", 3, ["così"]),
        ("sea* (col:x)", 4, ["sea*", "(col:x)"]),
        ("NEAR", 4, ["NEAR"]),
        ("k\\s", 5, ["k\\s"]),
        ("😀", 5, ["😀"]),
    ],
)
def test_a_text_is_found_with_its_matches(paths: Paths, query: str, number: int, marks: list[str]) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, made = await talk(chats, *TEXTS)
            hits = [h for h in await chats.search(query) if h.message_id]
            assert [h.message_id for h in hits] == [made[number].id]
            assert hits[0].chat_id == chat.id
            assert marked(hits[0]) == [m for m in marks if m]

    run(main())


@pytest.mark.parametrize("query", ["", "  ", '"', "''", "없는말", "zz", "\0", "\ud800", "a" * 5000, "% _"])
def test_odd_queries_find_nothing_and_break_nothing(paths: Paths, query: str) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            await talk(chats, "plain words")
            assert await chats.search(query) == []

    run(main())


def test_titles_come_first_and_the_bin_is_left_out(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, _ = await talk(chats, "about Whales")
            named = await chats.create(title="고래 Whales")
            hits = await chats.search("whales")
            assert [(h.chat_id, h.message_id is None) for h in hits] == [(named.id, True), (chat.id, False)]
            await chats.bin(chat.id)
            assert [h.chat_id for h in await chats.search("whales")] == [named.id]

    run(main())


def test_a_changed_text_is_found_by_its_new_words_only(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat = await chats.create()
            first = Message(new_id(), None, Role.USER, "before", time.time())
            await chats.put(chat.id, first)
            await chats.put(chat.id, Message(first.id, None, Role.USER, "after", first.created))
            assert await chats.search("before") == []
            assert len(await chats.search("after")) == 1
            await chats.purge(chat.id)
            assert await chats.search("after") == []

    run(main())


def test_a_giant_text_is_stored_at_once_and_found(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat = await chats.create()
            text = "lorem ipsum 가나다 " * 300_000 + "needle 바늘"
            message = Message(new_id(), None, Role.USER, text, time.time())
            await chats.put(chat.id, message)
            for query in ("needle", "바늘"):
                (hit,) = await chats.search(query)
                assert marked(hit) == [query]
            assert (await chats.messages(chat.id))[message.id].text == text
            await chats.purge(chat.id)

    run(main())


async def _many(chats: Chats, count: int) -> None:
    made = [
        Message(str(number), None, Role.USER, f"message {number} 번째 {'이야기 ' * 10}", 1.0) for number in range(count)
    ]
    await chats.add_all([(Chat(new_id(), "many", 1.0, 1.0), made)])


def test_many_messages_are_searched_quickly(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            await _many(chats, 25_000)
            for query, count in (("message 77", 100), ("번째", 100), ("12345", 1), ("없", 0), ("없는말", 0)):
                begun = time.perf_counter()
                assert len(await chats.search(query)) == count, query
                assert time.perf_counter() - begun < 1.0  # 0.03 s on two idle cores

    run(main())
