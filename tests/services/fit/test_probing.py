"""Who asks llama.cpp about a model, with real processes."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psutil
import pytest

from desktop.core.errors import StorageError
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.services.fit.probing import Probing
from tests import models


def at(context: int, **more: object) -> LoadSettings:
    return LoadSettings(context=context, gpu_layers=0, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model(tmp_path_factory.mktemp("모델") / "tiny.gguf")


class Door:
    """Opens a file, and counts how often."""

    def __init__(self, path: Path) -> None:
        self.path, self.opened, self.open = path, 0, False

    @asynccontextmanager
    async def __call__(self) -> AsyncIterator[Path]:
        self.opened += 1
        self.open = True
        try:
            yield self.path
        finally:
            await asyncio.sleep(0.05)
            self.open = False


def door(path: Path) -> tuple[Door, Callable[[], AbstractAsyncContextManager[Path]]]:
    made = Door(path)
    return made, made.__call__


def measuring() -> list[psutil.Process]:
    """The processes of ours that ask llama.cpp."""
    return [p for p in psutil.Process(os.getpid()).children() if "desktop.engine.gauge" in p.cmdline()]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


def test_all_who_ask_share_one_load_and_the_answer_is_kept(model: Path) -> None:
    one, opened = door(model)

    async def main() -> None:
        probing = Probing()
        probing.warm()
        probing.warm()
        assert len(measuring()) == 1
        await asyncio.gather(
            probing.ask("m", [at(256), at(512)], opened),
            probing.ask("m", [at(512), at(1024)], opened),
            probing.ask("m", [at(2048, repack=False)], opened),
        )
        said = probing.said("m")
        assert set(said) == {at(256), at(512), at(1024), at(2048, repack=False)}
        assert said[at(1024)].kv["CPU"] == pytest.approx(4 * said[at(256)].kv["CPU"], rel=0.1) != 0  # told to 0.01 MiB
        assert probing.fault("m", at(256)) is None
        await probing.ask("m", [at(256)], opened)
        assert one.opened == 1
        probing.cool()

    asyncio.run(main())


def test_what_is_asked_while_the_file_is_put_away_is_answered_too(model: Path) -> None:
    one, opened = door(model)

    async def main() -> None:
        probing = Probing()
        first = asyncio.create_task(probing.ask("m", [at(256)], opened))
        await until(lambda: bool(probing.said("m")))
        await probing.ask("m", [at(512)], opened)
        assert set(probing.said("m")) == {at(256), at(512)}
        await first

    asyncio.run(main())
    assert not one.open


def test_when_nobody_waits_the_process_ends(model: Path) -> None:
    one, opened = door(model)

    async def main() -> None:
        probing = Probing()
        first = asyncio.create_task(probing.ask("m", [at(256)], opened))
        second = asyncio.create_task(probing.ask("m", [at(256)], opened))
        await until(lambda: bool(measuring()))
        first.cancel()
        await asyncio.wait([first])
        assert measuring()  # the other one still waits
        second.cancel()
        await asyncio.wait([second])
        for process in measuring():
            process.wait(10)
        assert not probing.said("m")
        await probing.ask("m", [at(256)], opened)  # and it can be asked again
        assert probing.said("m")

    asyncio.run(main())
    assert one.opened == 2


def test_a_file_the_engine_refuses_has_a_fault_and_no_answers(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    shutil.copy(model, broken)
    with broken.open("r+b") as file:
        data = file.read().replace(b"llama.block_count", b"llama.block_tnuoc")
        file.seek(0)
        file.write(data)
    one, opened = door(broken)

    async def main() -> None:
        probing = Probing()
        await probing.ask("m", [at(256)], opened)
        assert not probing.said("m")
        assert probing.fault("m", at(256)) is not None
        for _ in range(3):
            await probing.ask("m", [at(256)], opened)  # what was refused stays refused

    asyncio.run(main())
    assert (one.open, one.opened) == (False, 1)


def test_settings_that_are_refused_leave_the_others_in_peace(model: Path) -> None:
    one, opened = door(model)
    odd = at(256, kv_type="q8_0", flash_attention=FlashAttention.OFF)

    async def main() -> None:
        probing = Probing()
        await probing.ask("m", [odd, at(256)], opened)
        assert set(probing.said("m")) == {at(256)}
        assert probing.fault("m", at(256)) is None
        assert probing.fault("m", odd) is not None
        await probing.ask("m", [odd, at(256)], opened)

    asyncio.run(main())
    assert one.opened == 1


def test_a_file_that_cannot_be_opened_is_everybodys_error() -> None:
    @asynccontextmanager
    async def closed() -> AsyncIterator[Path]:
        await asyncio.sleep(0.01)
        raise StorageError("The disk is full.")
        yield Path()

    async def main() -> None:
        probing = Probing()
        for answer in await asyncio.gather(
            *(probing.ask("m", [at(256)], closed) for _ in range(3)), return_exceptions=True
        ):
            assert isinstance(answer, StorageError)

    asyncio.run(main())


def test_what_is_kept_is_bounded(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.fit.probing._MODELS", 2)
    _, opened = door(model)

    async def main() -> None:
        probing = Probing()
        for name in "abc":
            await probing.ask(name, [at(256)], opened)
        assert not probing.said("a")
        assert probing.said("b")
        assert probing.said("c")

    asyncio.run(main())
