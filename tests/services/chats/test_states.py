"""The disk that kept states take, and how it is given back."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from desktop.core.chat import Message, Role
from desktop.engine.client import Engine
from desktop.services.chats.chats import Chats
from desktop.services.chats.states import DiskUse, States
from desktop.services.chats.store import Store
from desktop.services.identity import new_id
from desktop.services.paths import Paths
from tests.services.chats.kept import keep
from tests.services.database import run

GB = 10**9


@asynccontextmanager
async def opened(paths: Paths, budget: Callable[[], int] = lambda: 4 * GB) -> AsyncIterator[tuple[Chats, States]]:
    paths.create()
    store, states = Store(paths), States(paths.states, Engine(), budget)
    await store.open()
    try:
        yield Chats(store, states.forget), states
    finally:
        await states.close()
        await store.close()


def test_what_is_kept_is_counted_by_chat(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as (chats, states):
            assert await states.use() == DiskUse()
            one, two = await chats.create(), await chats.create()
            for chat, size in ((one, 500), (one, 20), (two, 1)):
                keep(paths.states, chat.id, size)
            assert await states.by_chat() == {one.id: 520, two.id: 1}
            assert await states.use() == DiskUse(521, 2)
            await states.clear()
            assert await states.use() == DiskUse()

    run(main())


def test_a_chat_that_ends_or_is_cleared_takes_its_states_with_it(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as (chats, states):
            made = [await chats.create() for _ in range(4)]
            for chat in made:
                keep(paths.states, chat.id, 10)
            await chats.bin(made[0].id)
            await chats.unbin(made[0].id)
            assert len(await states.by_chat()) == 4
            await chats.purge(made[0].id)
            await chats.clear(made[1].id)
            await chats.bin(made[2].id)
            await chats.empty_bin(before=1e12)
            assert set(await states.by_chat()) == {made[3].id}

    run(main())


def test_messages_that_leave_the_bin_leave_the_states_too(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as (chats, states):
            talk, other = await chats.create(), await chats.create()
            message = Message(new_id(), None, Role.USER, "secret", 0.0)
            await chats.put(talk.id, message)
            for chat in (talk, other):
                keep(paths.states, chat.id, 10)
            await chats.delete(talk.id, message.id)
            assert len(await states.by_chat()) == 2
            await chats.empty_bin(before=1e12)
            assert set(await states.by_chat()) == {other.id}

    run(main())


def test_what_belongs_to_no_chat_is_swept_and_the_bin_counts_as_chats(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as (chats, states):
            there, binned = await chats.create(), await chats.create()
            await chats.bin(binned.id)
            for name in (there.id, binned.id, new_id(), "from-elsewhere"):
                keep(paths.states, name, 10)
            (paths.states / "a letter.txt").write_text("mine")
            await states.sweep(chats.ids)
            assert set(await states.by_chat()) == {there.id, binned.id}
            assert (paths.states / "a letter.txt").read_text() == "mine"

    run(main())


@pytest.mark.parametrize(("budget", "left"), [(4 * GB, 3), (25, 2), (10, 1), (9, 0), (0, 0)])
def test_the_least_recently_used_leave_first(paths: Paths, budget: int, left: int) -> None:
    allowed = 5 * GB

    async def main() -> None:
        nonlocal allowed
        async with opened(paths, lambda: allowed) as (_, states):
            names = [keep(paths.states, new_id(), 10, age_s=age) for age in (1, 2, 3)]
            allowed = budget
            await states.keep_within()
            assert [path.exists() for path in names] == [True] * left + [False] * (3 - left)

    run(main())


def test_a_start_holds_the_folder_to_its_budget(paths: Paths) -> None:
    """The file of settings may have been edited meanwhile."""

    async def main() -> None:
        async with opened(paths, lambda: 15) as (chats, states):
            old, new = await chats.create(), await chats.create()
            keep(paths.states, old.id, 10, age_s=9)
            keep(paths.states, new.id, 10)
            await states.sweep(chats.ids)
            assert set(await states.by_chat()) == {new.id}

    run(main())


def test_files_and_folders_that_vanish_or_stand_in_the_way_are_no_error(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as (chats, states):
            chat = await chats.create()
            for what in (None, "gone", "file", "folder"):
                if what == "gone":
                    keep(paths.states, chat.id, 10)
                    shutil.rmtree(paths.states)
                elif what == "file":
                    paths.states.write_text("in the way")
                elif what == "folder":
                    paths.states.unlink()
                    keep(paths.states, chat.id, 10).unlink()
                    (paths.states / keep(paths.states, chat.id, 1).name.replace(chat.id, "b")).mkdir()
                await states.use()
                await states.forget([chat.id])
                await states.keep_within()
                await states.sweep(chats.ids)
                await states.clear()

    run(main())


def test_where_nothing_is_kept_nothing_is_made(tmp_path: Path) -> None:
    async def main() -> None:
        states = States(None, Engine(), lambda: GB)
        await states.forget(["a"])
        await states.keep_within()
        await states.clear()
        assert await states.use() == DiskUse()
        await asyncio.sleep(0)
        await states.close()

    run(main())
