"""What the engine refuses, what it could not be asked, and what is asked of it again."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.assembly import Assembly
from desktop.core import repos
from desktop.core.errors import LoadError, ModelFileError, UserError
from desktop.core.fit import Source, Verdict
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.repos import Listing, RepoFile, Repository
from desktop.engine.client import Engine
from desktop.engine.devices import Device, DeviceKind
from desktop.engine.probe import Report
from desktop.services.fit.fitting import Subject
from desktop.services.models.library import How
from desktop.services.paths import Paths
from tests import models

GB = 10**9
SETTINGS = LoadSettings(threads=1, batch_threads=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model(tmp_path_factory.mktemp("models") / "tiny.gguf")


def run(paths: Paths, check: Callable[[Assembly], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            await check(alcove)

    asyncio.run(main())


def test_a_file_that_is_none_says_so(paths: Paths, tmp_path: Path, tiny: Path) -> None:
    async def check(alcove: Assembly) -> None:
        model = await alcove.library.import_file(tiny, How.COPY)
        model.path.write_bytes(b"<!doctype html>" + bytes(600))
        with pytest.raises(ModelFileError):
            await alcove.fitting.exact(Subject.local(model), SETTINGS)
        assert alcove.fitting.quick(Subject.local(model), SETTINGS).estimate.total_bytes > 0
        assert (await alcove.fitting.suited(model, SETTINGS)).context == 4096  # loading will say it

    run(paths, check)


def test_a_kind_of_model_the_engine_does_not_know_is_computed_and_named(paths: Paths, tmp_path: Path) -> None:
    path = models.tiny_model(tmp_path / "odd.gguf", arch="walrus")

    async def check(alcove: Assembly) -> None:
        subject = Subject.local(alcove.library.named(str(path)))
        fit = await alcove.fitting.exact(subject, SETTINGS)
        assert (fit.exact, fit.estimate.source) == (False, Source.CLOSED_FORM)
        assert isinstance(fit.fault, UserError)
        assert fit.verdict is Verdict.FITS

    run(paths, check)


def test_settings_that_do_not_go_together_are_refused_as_loading_refuses_them(paths: Paths, tiny: Path) -> None:
    async def check(alcove: Assembly) -> None:
        subject = Subject.local(alcove.library.named(str(tiny)))
        odd = replace(SETTINGS, kv_type="q8_0", flash_attention=FlashAttention.OFF)
        fit = await alcove.fitting.exact(subject, odd)
        with pytest.raises(LoadError) as refused:
            await alcove.engine.load(tiny, odd)
        assert isinstance(fit.fault, LoadError)
        assert (fit.fault.message, fit.fault.fields) == (refused.value.message, refused.value.fields)
        assert (fit.refused, fit.remedies) == (True, ())
        fit = await alcove.fitting.exact(subject, SETTINGS)
        assert (fit.refused, fit.fault, fit.exact) == (False, None, True)

    run(paths, check)


def test_a_type_that_the_engine_reads_no_more_is_refused_unasked(paths: Paths) -> None:
    variant = repos.variants([RepoFile("m.Q4_0_4_4.gguf", GB)])[0]

    async def check(alcove: Assembly) -> None:
        listing = Listing(Repository("me/Old-GGUF"), "c" * 40, (variant,))
        fit = await alcove.fitting.exact(Subject.remote(listing, variant), SETTINGS)
        assert (fit.refused, fit.exact, fit.speed, fit.remedies) == (True, False, None, ())
        assert fit.fault is not None
        assert "does not read it" in fit.fault.message

    run(paths, check)


@pytest.mark.parametrize(("held", "asked"), [(True, 1), (False, 3)])
def test_graphics_cards_are_asked_again_but_not_while_they_hold_our_model(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, held: bool, asked: int
) -> None:
    free = iter((8 * GB, 6 * GB, 7 * GB))

    async def examine() -> Report:
        return Report(devices=(Device("GPU0", "", DeviceKind.GPU, next(free), 8 * GB),))

    async def check(alcove: Assembly) -> None:
        monkeypatch.setattr("desktop.services.fit.fitting.examine", examine)
        monkeypatch.setattr("desktop.services.fit.fitting._CARDS_S", -1.0)
        await alcove.fitting._examined()
        if held:
            monkeypatch.setattr(Engine, "loaded", object())
        for _ in range(2):
            await alcove.fitting._examined()
        (card,) = alcove.fitting.room().devices
        assert card.free_bytes == (8 * GB if asked == 1 else 7 * GB)

    run(paths, check)


def test_where_no_process_can_be_started_the_next_question_tries_again(
    paths: Paths, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(alcove: Assembly) -> None:
        subject = Subject.local(alcove.library.named(str(tiny)))
        with monkeypatch.context() as full:
            full.setattr(subprocess, "Popen", no_place)
            fit = await alcove.fitting.exact(subject, SETTINGS)
            assert not fit.exact
            assert isinstance(fit.fault, LoadError)
            await alcove.fitting.prepare()
            assert alcove.fitting.quick(subject, SETTINGS).speed is None
        assert (await alcove.fitting.exact(subject, SETTINGS)).exact

    run(paths, check)


def no_place(*_: object, **__: object) -> None:
    raise BlockingIOError(11, "Resource temporarily unavailable")
