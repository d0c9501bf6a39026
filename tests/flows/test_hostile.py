"""Bad input, at the level of the whole application below the window: a clear sentence, and nothing lost."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Chat, Message
from desktop.core.errors import PromptTooLong, StorageError, TemplateError, UserError
from desktop.core.talk import Ended
from desktop.services.models.library import How
from desktop.services.paths import Paths
from tests import models
from tests.flows.conftest import REPLY
from tests.flows.program import PATIENCE_S
from tests.models import TEMPLATE

NAMES = (
    "김철수 🦙 모델",
    """l'una "e" l'altra <b>&amp;</b> %s {x} \\ $HOME""",
    "…" * 200,
    "à" * 200,
    "CON",
    "-rf",
    "\u202egnp.\u200b",
)
Check = Callable[[Assembly], Coroutine[Any, Any, None]]


@pytest.fixture
def paths(home: Path) -> Paths:
    return Paths(home)


def run(paths: Paths, check: Check) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            await check(alcove)

    asyncio.run(main())


async def new_chat(alcove: Assembly, model: Path, **changes: Any) -> Chat:
    settings = {"threads": 1, "batch_threads": 1, **changes.pop("settings", {})}
    return await alcove.chats.create(model=str(model), settings=settings, **changes)


async def ask(alcove: Assembly, chat: Chat, text: str) -> Message:
    """The reply as it was stored."""
    async with aclosing(alcove.talk.ask(chat.id, text)) as events:
        (final,) = [event.message async for event in events if isinstance(event, Ended)]
    return final


async def said(alcove: Assembly, chat: Chat) -> list[str]:
    """The active path as the database has it."""
    stored = await alcove.chats.get(chat.id)
    return [m.text for m in (await alcove.chats.messages(chat.id)).path(stored.tip)]


@asynccontextmanager
async def responsive(limit_s: float) -> AsyncIterator[None]:
    """Fails if the event loop's thread works for longer without letting others have their turn."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            begun, worked = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.005)
            # waiting for a processor that others have is no fault of ours; holding the thread is
            longest = max(longest, min(time.monotonic() - begun, time.thread_time() - worked))

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        ticking.cancel()
    assert longest < limit_s


# -- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["a single line without any space" * 8, "words and lines\n" * 16])
def test_five_megabytes_are_refused_with_a_sentence_and_kept(paths: Paths, brief: Path, line: str) -> None:
    text = line * (5_000_000 // len(line))

    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, brief)
        async with responsive(1.0):
            with pytest.raises(PromptTooLong) as told:
                await ask(alcove, chat, text)
        assert "4096" in str(told.value).replace(",", "")
        assert await said(alcove, chat) == [text]
        other = await new_chat(alcove, brief)
        assert (await ask(alcove, other, "short")).text == REPLY

    run(paths, check)


@pytest.mark.parametrize(
    "text", ["a\0b", "half \ud83e\udd99 whole", "\ud800", "\udfff" * 3, "\x1b[2J\x07", "\u2028\u2029\x85", "é" * 50]
)
def test_text_no_file_can_hold_is_answered(paths: Paths, brief: Path, text: str) -> None:
    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, brief)
        assert (await ask(alcove, chat, text)).text == REPLY
        question, reply = await said(alcove, chat)
        question.encode()
        assert reply == REPLY
        assert (await ask(alcove, chat, "and again")).text == REPLY
        await alcove.chats.search(text)
        await alcove.transcripts.export(chat.id, paths.home / "chat.json")
        await alcove.transcripts.export(chat.id, paths.home / "chat.md")
        for kind in ("json", "md"):
            (back,) = await alcove.transcripts.import_file(paths.home / f"chat.{kind}")
            assert (await said(alcove, back))[1] == REPLY

    run(paths, check)


# -- templates -------------------------------------------------------------------------------------------------------

BAD_TEMPLATES = {
    "raises": "{{ raise_exception('never') }}",
    "does not parse": "{% for message in messages %}",
    "counts for ever": "{% for a in range(99999) %}{% for b in range(99999) %}{{ a * b }}{% endfor %}{% endfor %}",
    "grows": "{% set x = namespace(t='ab') %}{% for i in range(64) %}{% set x.t = x.t ~ x.t %}{% endfor %}{{ x.t }}",
    "recurses": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "reaches for classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "reaches for globals": "{{ cycler.__init__.__globals__.os.system('touch /tmp/alcove-was-here') }}",
    "reaches by filter": "{{ messages | attr('__class__') | attr('__base__') }}{{ ().__class__.__base__.x.y }}",
    "divides by nothing": "{{ 1 // 0 }}",
    "takes a huge power": "{{ 9 ** 9 ** 9 }}",
    "pads": "{{ '%999999999d' % 1 }}{{ 'x'.ljust(999999999) }}",
}


@pytest.mark.parametrize("kind", BAD_TEMPLATES)
def test_a_bad_template_is_one_sentence(paths: Paths, tmp_path: Path, kind: str) -> None:
    model = models.scripted_model(tmp_path / f"{kind}.gguf", {}, template=BAD_TEMPLATES[kind])

    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, model)
        async with responsive(1.0):
            with pytest.raises(TemplateError) as told:
                await ask(alcove, chat, "hello")
        assert len(str(told.value).splitlines()) == 1
        assert await said(alcove, chat) == ["hello"]

    begun = time.monotonic()
    run(paths, check)
    assert time.monotonic() - begun < PATIENCE_S / 2
    assert not Path("/tmp/alcove-was-here").exists()


def test_a_template_from_elsewhere_can_be_replaced_by_a_known_one(paths: Paths, tmp_path: Path) -> None:
    model = models.scripted_model(tmp_path / "stubborn.gguf", {}, template=BAD_TEMPLATES["raises"])

    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, model, settings={"max_tokens": 3, "temperature": 0.0})
        with pytest.raises(TemplateError):
            await ask(alcove, chat, "hello")
        opening = chat.opening
        await alcove.chats.update(chat.id, opening=type(opening)(template="ChatML"))
        async with aclosing(alcove.talk.regenerate(chat.id, (await alcove.chats.get(chat.id)).tip or "")) as events:
            texts = [event.message.text async for event in events if isinstance(event, Ended)]
        assert texts == ["abc"]

    run(paths, check)


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_names_of_models_and_chats(paths: Paths, brief: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name.replace('/', '_').encode()[:240].decode(errors='ignore')}.gguf"
    file.write_bytes(brief.read_bytes())

    async def check(alcove: Assembly) -> None:
        model = await alcove.library.import_file(file, How.COPY)
        renamed = await alcove.library.rename(model.name, name)
        chat = await alcove.chats.create(model=renamed.name, settings={"threads": 1})
        chat = await alcove.chats.update(chat.id, title=name, titled=True)
        reply = await ask(alcove, chat, name)
        assert (reply.text, reply.model) == (REPLY, renamed.name)
        await alcove.transcripts.export(chat.id, paths.home / "one.json")
        await alcove.transcripts.export_all(paths.home / "all.md")
        (back,) = await alcove.transcripts.import_file(paths.home / "one.json")
        assert back.title == chat.title
        await alcove.library.restore(await alcove.library.remove(renamed.name))

    run(paths, check)

    async def again(alcove: Assembly) -> None:
        assert [m.name for m in alcove.library.all()] == ["Guide", " ".join(name.split())]
        assert {c.title for c in await alcove.chats.all()} == {" ".join(name.split())}

    run(paths, again)


def test_a_name_of_201_characters_is_refused(paths: Paths, brief: Path) -> None:
    async def check(alcove: Assembly) -> None:
        model = await alcove.library.import_file(brief, How.LINK)
        with pytest.raises(UserError, match="200"):
            await alcove.library.rename(model.name, "x" * 201)

    run(paths, check)


# -- the disk --------------------------------------------------------------------------------------------------------


def test_a_data_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def check(_alcove: Assembly) -> None:
        raise AssertionError

    with pytest.raises(StorageError) as told:
        run(Paths(tmp_path / "file" / "home"), check)
    assert "file" in str(told.value)


def test_a_full_disk_loses_nothing_that_was_there(paths: Paths, brief: Path) -> None:
    """SQLite is told that its file may not grow: the same error as that of a full disk."""

    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, brief)
        await ask(alcove, chat, "kept")
        store = alcove.chats._store
        pages = await store.read(lambda db: int(db.execute("PRAGMA page_count").fetchone()[0]))
        most = "PRAGMA max_page_count"
        await store.read(lambda db: db.execute(f"{most}={pages}").fetchall())
        with pytest.raises(StorageError, match="full"):
            await ask(alcove, chat, "more than fits " * 9000)
        assert await said(alcove, chat) == ["kept", REPLY]
        await store.read(lambda db: db.execute(f"{most}=1000000").fetchall())
        assert (await ask(alcove, chat, "there is room again")).text == REPLY
        assert len(await said(alcove, chat)) == 4

    run(paths, check)


def test_an_export_to_a_full_device_is_a_sentence(paths: Paths, brief: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, brief)
        await ask(alcove, chat, "hello")
        for place in (tmp_path / "file" / "chat.md", tmp_path / "nowhere" / "chat.json", tmp_path / ("x" * 300)):
            with pytest.raises(StorageError):
                await alcove.transcripts.export(chat.id, place)
        with pytest.raises(StorageError):
            await alcove.transcripts.export(chat.id, tmp_path)  # a folder stands there

    run(paths, check)


# -- databases from elsewhere ----------------------------------------------------------------------------------------


def used(paths: Paths, brief: Path) -> bytes:
    """A data folder in which something was said; its database, whole."""

    async def check(alcove: Assembly) -> None:
        await ask(alcove, await new_chat(alcove, brief), "kept")

    run(paths, check)
    return paths.database.read_bytes()


def test_a_database_of_a_newer_alcove_is_not_touched(paths: Paths, brief: Path) -> None:
    used(paths, brief)
    with sqlite3.connect(paths.database) as db:
        db.execute("PRAGMA user_version=9999")
    db.close()
    before = paths.database.read_bytes()

    async def check(_alcove: Assembly) -> None:
        raise AssertionError

    with pytest.raises(StorageError, match="newer Alcove"):
        run(paths, check)
    assert paths.database.read_bytes() == before


@pytest.mark.parametrize("damage", ["noise", "hole"])
def test_a_damaged_database_is_set_aside_and_said(paths: Paths, brief: Path, damage: str) -> None:
    sound = used(paths, brief)
    spoilt = b"noise" * 5000 if damage == "noise" else sound[:4096] + b"\xa5" * (len(sound) - 4096)
    paths.database.write_bytes(spoilt)
    kept: list[Path] = []

    async def check(alcove: Assembly) -> None:
        (notice,) = alcove.notices
        kept.append(Path(str(notice.fields["path"])))
        assert str(kept[0]) in str(notice)
        assert (await ask(alcove, await new_chat(alcove, brief), "goes on")).text == REPLY

    run(paths, check)
    assert kept[0].read_bytes() == spoilt

    async def again(alcove: Assembly) -> None:
        assert alcove.notices == ()
        assert len(await alcove.chats.all()) == 1

    run(paths, again)


def test_settings_that_cannot_be_read_are_set_aside(paths: Paths) -> None:
    paths.create()
    paths.preferences.write_bytes(b"\xff\xfe threads = \x00")
    kept: list[Path] = []

    async def check(alcove: Assembly) -> None:
        (notice,) = alcove.notices
        kept.append(Path(str(notice.fields["path"])))
        await alcove.preferences.set("threads", 2)

    run(paths, check)
    assert kept[0].read_bytes() == b"\xff\xfe threads = \x00"


def test_a_template_of_the_ordinary_kind_still_works(paths: Paths, tmp_path: Path) -> None:
    model = models.scripted_model(tmp_path / "plain.gguf", {}, template=TEMPLATE)

    async def check(alcove: Assembly) -> None:
        chat = await new_chat(alcove, model, settings={"max_tokens": 2, "temperature": 0.0})
        assert (await ask(alcove, chat, "hello")).text == "ab"

    run(paths, check)
