"""Replies in progress: what is on disk when the process ends, however it ends."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from dataclasses import replace

import pytest

from desktop.core.chat import Message, Role
from desktop.core.generation import StopReason, Usage
from desktop.services.chats.chats import Chats
from desktop.services.chats.journal import BROKEN, CLOSED
from desktop.services.identity import new_id
from desktop.services.paths import Paths
from tests.services.database import opened, run


def begun(text: str = "") -> Message:
    return Message(new_id(), None, Role.ASSISTANT, text, time.time(), "Guide")


async def read(chats: Chats, chat_id: str, message_id: str) -> Message:
    return (await chats.messages(chat_id))[message_id]


def test_a_reply_is_readable_while_it_grows_and_whole_at_the_end(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, message = await chats.create(), begun("Well, ")
            async with chats.streaming(chat.id, message) as reply:
                assert (await chats.get(chat.id)).tip == message.id
                reply.append("안녕")
                reply.append("하세요 😀\0")
                await asyncio.sleep(0.25)
                assert (await read(chats, chat.id, message.id)).text == "Well, 안녕하세요 😀\ufffd"
                assert await chats.recover() == 0
                reply.append("!")
                reply.finish(replace(reply.message, stop_reason=StopReason.STOP, usage=Usage(1, 2, 3)))
            found = await read(chats, chat.id, message.id)
            assert (found.text, found.stop_reason, found.usage) == (
                "Well, 안녕하세요 😀\ufffd!",
                StopReason.STOP,
                Usage(1, 2, 3),
            )
            assert len(await chats.search("하세요")) == 1

    run(main())


def test_a_reply_left_by_cancelling_is_kept_as_stopped(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, message = await chats.create(), begun()

            async def write() -> None:
                async with chats.streaming(chat.id, message) as reply:
                    reply.append("so far")
                    await asyncio.sleep(60)

            task = asyncio.create_task(write())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            found = await read(chats, chat.id, message.id)
            assert (found.text, found.stop_reason, found.note) == ("so far", StopReason.CANCELLED, "")

    run(main())


def test_a_reply_left_by_a_fault_is_kept_as_broken_off(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, message = await chats.create(), begun()

            async def write() -> None:
                async with chats.streaming(chat.id, message) as reply:
                    reply.append("so far")
                    raise KeyError

            with pytest.raises(KeyError):
                await write()
            found = await read(chats, chat.id, message.id)
            assert (found.text, found.stop_reason, found.note) == ("so far", StopReason.DIED, BROKEN)

    run(main())


def test_text_that_the_disk_refused_is_written_later_in_order(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, message = await chats.create(), begun()
            store = chats._store
            async with chats.streaming(chat.id, message) as reply:
                await store.read(lambda db: db.execute("PRAGMA query_only=ON").rowcount)
                for word in ("one ", "two ", "three "):
                    reply.append(word)
                    await asyncio.sleep(0.12)
                assert (await read(chats, chat.id, message.id)).text == ""
                await store.read(lambda db: db.execute("PRAGMA query_only=OFF").rowcount)
                reply.append("four")
                await asyncio.sleep(0.4)
                assert (await read(chats, chat.id, message.id)).text == "one two three four"
                reply.finish(reply.message)

    run(main())


def test_a_long_reply_is_written_once_not_again_and_again(paths: Paths) -> None:
    async def main() -> None:
        async with opened(paths) as chats:
            chat, message = await chats.create(), begun()
            async with chats.streaming(chat.id, message) as reply:
                for _ in range(8):
                    reply.append("5,000 characters " * 300)
                    await asyncio.sleep(0.11)
                await asyncio.sleep(0.2)
                rows = await chats._store.read(lambda db: db.execute("SELECT length(text) FROM journal").fetchall())
                assert sum(size for (size,) in rows) == len(reply.message.text)
                reply.finish(reply.message)
            left = await chats._store.read(lambda db: db.execute("SELECT count(*) FROM journal").fetchone())
            assert left == (0,)

    run(main())


_WRITER = """
import asyncio, sys, time
from pathlib import Path
from desktop.core.chat import Message, Role
from desktop.services.chats.chats import Chats
from desktop.services.identity import new_id
from desktop.services.paths import Paths
from desktop.services.chats.store import Store
async def main():
    store = Store(Paths(Path(sys.argv[1])))
    await store.open()
    chats = Chats(store)
    message = Message(sys.argv[3], None, Role.ASSISTANT, "begun: ", time.time())
    async with chats.streaming(sys.argv[2], message) as reply:
        while True:
            piece = f"{time.monotonic()} "
            reply.append(piece)
            print(piece, flush=True)
            await asyncio.sleep(0.005)
asyncio.run(main())
"""


def test_after_kill_9_all_but_the_last_quarter_second_is_there(paths: Paths) -> None:
    async def main() -> None:
        dice = random.Random(4)
        for _ in range(4):
            async with opened(paths) as chats:
                chat, name = await chats.create(), new_id()
            command = (sys.executable, "-c", _WRITER, str(paths.home), chat.id, name)
            writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            assert writer.stdout is not None
            heard = await writer.stdout.readline()
            async with opened(paths) as chats:  # another window begins meanwhile: the reply is not its to finish
                assert (await read(chats, chat.id, name)).stop_reason is None
            await asyncio.sleep(dice.uniform(0.0, 0.7))
            writer.kill()
            heard += (await writer.communicate())[0]
            said = heard.decode()
            async with opened(paths) as chats:
                found = await read(chats, chat.id, name)
            assert (found.stop_reason, found.note) == (StopReason.DIED, CLOSED)
            written = "begun: " + "".join(line + " " for line in said.split())
            assert written.startswith(found.text.rstrip()) or found.text.startswith(written)
            moments = [float(moment) for moment in said.split()]
            kept = [float(moment) for moment in found.text.removeprefix("begun: ").split()]
            assert moments[-1] - (kept[-1] if kept else moments[0]) < 0.25

    run(main())
