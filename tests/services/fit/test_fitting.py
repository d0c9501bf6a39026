"""One number for a model, wherever it lies: real processes, real headers, a real Hub on loopback."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from desktop.assembly import Assembly
from desktop.core.chat import Message, Role
from desktop.core.errors import NetworkError
from desktop.core.fit import Source, Verdict
from desktop.core.generation import LoadSettings, StopReason, Timings, Usage
from desktop.core.repos import Listing
from desktop.core.speed import Basis
from desktop.services import memory
from desktop.services.fit.fitting import Fit, Subject
from desktop.services.models.library import How
from desktop.services.paths import Paths
from tests import models
from tests.hub import HubServer
from tests.hub.shapes import MISTRAL_REPO, bloke_repository

GB = 10**9
SETTINGS = LoadSettings(threads=1, batch_threads=1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """A Hub with Mistral-7B as TheBloke made it: true lengths and headers, no weights."""
    with HubServer({MISTRAL_REPO: bloke_repository(tmp_path_factory.mktemp("hub"), true_sizes=True)}) as server:
        yield server


@pytest.fixture
def hub(served: HubServer, monkeypatch: pytest.MonkeyPatch) -> HubServer:
    monkeypatch.setenv("HF_ENDPOINT", served.endpoint)
    served.received["cdn"].clear()
    return served


def run(paths: Paths, check: Callable[[Assembly], Awaitable[None]]) -> None:
    async def main() -> None:
        async with Assembly.opened(paths) as alcove:
            await check(alcove)

    asyncio.run(main())


def transferred(hub: HubServer) -> int:
    return sum(request.sent for request in hub.received["cdn"])


def available(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)
    monkeypatch.setattr(memory, "total", lambda: max(free, 16 * GB))


def with_room(alcove: Assembly, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    available(monkeypatch, free)
    alcove.fitting._room = None  # memory changed at this moment


def fits(alcove: Assembly, listing: Listing, settings: LoadSettings = SETTINGS) -> dict[str, Fit]:
    return {v.label: alcove.fitting.quick(Subject.remote(listing, v), settings) for v in listing.variants}


# -- from far away


def test_a_7b_file_is_judged_exactly_for_less_than_a_megabyte(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        variant = listing.variant("Q4_K_M")
        assert variant is not None
        subject = Subject.remote(listing, variant)
        first = alcove.fitting.quick(subject, SETTINGS)
        assert (first.exact, first.estimate.source) == (False, Source.CLOSED_FORM)
        exact = await alcove.fitting.exact(subject, SETTINGS, [replace(SETTINGS, context=32768)])
        assert (exact.exact, exact.fault) == (True, None)
        assert transferred(hub) < 1_000_000
        assert exact.estimate.kv_bytes == pytest.approx(4096 * (128 << 10), abs=1 << 17)  # FACTS: 128 KiB a token
        assert exact.estimate.weights_bytes == pytest.approx(variant.size, rel=0.02)
        assert exact.trained_context == 32768
        assert alcove.fitting.quick(subject, SETTINGS).estimate == exact.estimate  # what was said stays said
        before = transferred(hub)
        assert alcove.fitting.quick(subject, replace(SETTINGS, context=32768)).exact
        assert (await alcove.fitting.exact(subject, replace(SETTINGS, context=1024))).exact
        assert transferred(hub) == before

    run(paths, check)


def test_other_variants_cost_some_kilobytes(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        for label in ("Q6_K", "Q2_K"):
            variant = listing.variant(label)
            assert variant is not None
            before = transferred(hub)
            fit = await alcove.fitting.exact(Subject.remote(listing, variant), SETTINGS)
            assert fit.exact
        assert transferred(hub) - before < 32_000
        assert alcove.fitting.outdated(Subject.remote(listing, variant)) == ""  # SPM: nothing was wrong with it

    run(paths, check)


def test_all_variants_are_surveyed_for_some_kilobytes_each(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        await alcove.fitting.survey(listing)
        assert transferred(hub) == 0  # of none the header is here
        await alcove.fitting.exact(Subject.remote(listing, listing.variants[-1]), SETTINGS)
        await alcove.fitting.survey(listing)
        assert transferred(hub) < 1_200_000
        surveyed = fits(alcove, listing)
        for label in ("Q2_K", "Q4_0"):
            variant = listing.variant(label)
            assert variant is not None
            exact = await alcove.fitting.exact(Subject.remote(listing, variant), SETTINGS)
            assert exact.estimate.total_bytes == pytest.approx(surveyed[label].estimate.total_bytes, rel=0.002)
        before = len(hub.received["cdn"])
        await alcove.fitting.survey(listing)
        assert len(hub.received["cdn"]) == before

    run(paths, check)


def test_where_the_others_are_described_otherwise_the_survey_ends(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"m{n}.gguf": models.tiny_model(tmp_path / f"m{n}.gguf", comment="x" * (50_000 + 9 * n)) for n in range(8)}
    with HubServer({"me/Mixed-GGUF": dict(files)}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)

        async def check(alcove: Assembly) -> None:
            listing = await alcove.hub.listing("me/Mixed-GGUF")
            await alcove.fitting.exact(Subject.remote(listing, listing.variants[0]), SETTINGS)
            before = len(server.received["cdn"])
            await alcove.fitting.survey(listing)
            assert len(server.received["cdn"]) == before + 3
            server.misbehave(on="cdn", reset_after=0)
            await alcove.fitting.survey(listing)  # and a dead line is nobody's error

        run(paths, check)


def test_a_page_of_twelve_variants_is_judged_at_once(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        began = time.perf_counter()
        found = fits(alcove, listing)
        assert time.perf_counter() - began < 0.4  # 0.02 s on an idle machine; 0.1 s is promised
        assert len(found) >= 12
        assert transferred(hub) == 0
        await alcove.fitting.exact(Subject.remote(listing, listing.variants[3]), SETTINGS)
        began = time.perf_counter()
        for context in (1024, 4096, 32768):  # the slider
            fits(alcove, listing, replace(SETTINGS, context=context))
        assert time.perf_counter() - began < 0.6

    run(paths, check)


def test_the_header_of_one_variant_makes_the_others_sharper(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        variant = listing.variant("Q4_K_M")
        assert variant is not None
        exact = await alcove.fitting.exact(Subject.remote(listing, variant), SETTINGS)
        for label, fit in fits(alcove, listing).items():
            if label != "FP16":  # of another shape in this repository
                assert fit.estimate.kv_bytes == pytest.approx(exact.estimate.kv_bytes, rel=0.001)
                assert fit.estimate.compute_bytes == pytest.approx(exact.estimate.compute_bytes, rel=0.01)

    run(paths, check)


def test_the_header_of_another_model_makes_nothing_worse(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        other = listing.variant("FP16")  # a tiny model, split
        assert other is not None
        before = fits(alcove, listing)
        await alcove.fitting.exact(Subject.remote(listing, other), SETTINGS)
        for label, fit in fits(alcove, listing).items():
            if label != "FP16":
                assert fit.estimate == before[label].estimate
                assert (fit.trained_context, fit.rough) == (32768, False)

    run(paths, check)


def test_a_dead_line_leaves_the_computed_figure(paths: Paths, hub: HubServer) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        subject = Subject.remote(listing, listing.variants[2])
        fault = hub.misbehave(on="cdn", reset_after=0)
        with pytest.raises(NetworkError):
            await alcove.fitting.exact(subject, SETTINGS)
        hub.behave(fault)
        assert not alcove.fitting.quick(subject, SETTINGS).exact
        assert (await alcove.fitting.exact(subject, SETTINGS)).exact
        assert not [p for p in psutil.Process(os.getpid()).children() if "desktop.engine.gauge" in p.cmdline()]

    run(paths, check)


def test_the_catalogue_needs_no_network_and_is_not_asked_about(paths: Paths) -> None:
    async def check(alcove: Assembly) -> None:
        for listing in alcove.hub.starting_points():
            found = fits(alcove, listing)
            variant, reason = alcove.fitting.recommended(listing, found)
            assert reason
            assert found[variant.label].trained_context in (2048, 4096, 32768)
            assert not (await alcove.fitting.exact(Subject.remote(listing, variant), SETTINGS)).exact
        llama = next(li for li in alcove.hub.starting_points() if "Llama-2" in li.repository.id)
        assert fits(alcove, llama)["Q4_K_M"].estimate.kv_bytes == 4096 * (512 << 10)  # FACTS: 512 KiB a token

    run(paths, check)


# -- on this computer


def test_the_verdict_is_against_memory_now_and_what_unloading_returns(
    paths: Paths, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(alcove: Assembly) -> None:
        listing = await alcove.hub.listing(MISTRAL_REPO)
        variant = listing.variant("Q5_K_M")
        assert variant is not None
        subject = Subject.remote(listing, variant)
        total = alcove.fitting.quick(subject, SETTINGS).estimate.total_bytes
        for free, verdict in (
            (16 * GB, Verdict.FITS),
            (total + GB // 2, Verdict.TIGHT),  # nothing is left for other programs
            (4 * GB, Verdict.TOO_LARGE),
        ):
            with_room(alcove, monkeypatch, free)
            fit = alcove.fitting.quick(subject, SETTINGS)
            assert (fit.verdict, fit.available_bytes) == (verdict, free)
        assert fit.largest_context == 0
        assert {remedy.variant for remedy in fit.remedies} - {""}
        monkeypatch.setattr(memory, "returned", lambda _pid: 10 * GB)
        alcove.fitting._room = None
        assert alcove.fitting.quick(subject, SETTINGS).verdict is Verdict.FITS

    run(paths, check)


def test_a_file_here_and_there_takes_the_same(paths: Paths, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer({"me/Tiny-GGUF": {"tiny.Q8_0.gguf": tiny}}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)

        async def check(alcove: Assembly) -> None:
            listing = await alcove.hub.listing("me/Tiny-GGUF")
            there = await alcove.fitting.exact(Subject.remote(listing, listing.variants[0]), SETTINGS)
            model = await alcove.library.import_file(tiny, How.LINK)
            here = await alcove.fitting.exact(Subject.local(model), SETTINGS)
            assert there.estimate == here.estimate
            assert await alcove.fitting.suited(model, SETTINGS) == here.settings

        run(paths, check)


@pytest.mark.parametrize(
    ("wanted", "free", "context"),
    [(4096, 16.0, 4096), (0, 16.0, 4096), (4096, 0.05, 1024), (0, 0.05, 1024), (8192, 0.05, 4096), (2048, 0.05, 2048)],
)
def test_automatic_context_suits_model_and_memory(
    paths: Paths, tiny: Path, monkeypatch: pytest.MonkeyPatch, wanted: int, free: float, context: int
) -> None:
    async def check(alcove: Assembly) -> None:
        model = alcove.library.named(str(tiny))  # trained on 4,096
        with_room(alcove, monkeypatch, int(free * GB))
        settings = await alcove.fitting.suited(model, LoadSettings(context=wanted))
        assert settings.context == context  # one that was chosen is kept
        assert settings.threads == alcove.machine.threads
        assert settings.batch_threads == alcove.machine.batch_threads
        assert (await alcove.fitting.suited(model, LoadSettings(threads=3, batch_threads=5))).batch_threads == 5

    run(paths, check)


def test_between_too_small_and_enough_the_largest_that_fits_is_taken(
    paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = models.tiny_model(tmp_path / "long.gguf", context=1 << 20)

    async def check(alcove: Assembly) -> None:
        model = alcove.library.named(str(path))
        need = {n: (await alcove.fitting.exact(Subject.local(model), LoadSettings(context=n))).estimate.total_bytes
                for n in (65536, 131072)}  # fmt: skip
        with_room(alcove, monkeypatch, (need[65536] + need[131072]) // 2 + 64 * 10**6)
        settings = await alcove.fitting.suited(model, LoadSettings(context=0))
        assert 65536 < settings.context < 131072
        shown = alcove.fitting.quick(Subject.local(model), LoadSettings(context=0))
        assert shown.verdict is Verdict.TOO_LARGE
        assert shown.largest_context == settings.context  # the same number

    run(paths, check)


# -- what is learned


def test_loads_are_kept_beside_what_was_said(paths: Paths, tiny: Path) -> None:
    async def check(alcove: Assembly) -> None:
        model = alcove.library.named(str(tiny))
        subject = Subject.local(model)
        for _ in range(3):
            settings = await alcove.fitting.suited(model, SETTINGS)
            await alcove.engine.load(model.path, settings)
            await alcove.fitting.measured(model, settings)
            await alcove.fitting.measured(model, settings)  # the same process: one entry
            await alcove.engine.unload()
            await alcove.fitting.measured(model, settings)  # gone: none
        history = alcove.fitting.history(subject)
        if memory.MAPS_AT_ONCE:
            assert len(history) == 3
            for load in history:
                assert abs(load.resident_bytes - load.estimate_bytes) < 40 * 10**6
                assert load.at <= time.time()
        else:
            assert not history

    run(paths, check)

    async def again(alcove: Assembly) -> None:
        model = alcove.library.named(str(tiny))
        assert len(alcove.fitting.history(Subject.local(model))) == (3 if memory.MAPS_AT_ONCE else 0)

    run(paths, again)


def test_a_chat_teaches_without_being_asked(paths: Paths) -> None:
    async def check(alcove: Assembly) -> None:
        chat = await alcove.chats.create(model="")
        async for _ in alcove.talk.ask(chat.id, "What can you do?"):
            pass
        guide = alcove.library.named("")
        await asyncio.gather(*alcove.fitting._notes)
        assert len(alcove.fitting.history(Subject.local(guide))) == 1
        fit = alcove.fitting.quick(Subject.local(guide), SETTINGS)
        assert fit.speed is not None
        assert fit.speed.basis is Basis.MODEL

    run(paths, check)


def reply(tokens: int, speed: float) -> Message:
    return Message(
        "r", None, Role.ASSISTANT, "", 0.0, "m", StopReason.STOP, Usage(100, 0, tokens), Timings(generation_per_s=speed)
    )


def test_the_speed_is_foretold_from_bandwidth_then_from_what_was_measured(paths: Paths, tiny: Path) -> None:
    async def check(alcove: Assembly) -> None:
        mistral = alcove.hub.starting_points()[0]
        subject = Subject.remote(mistral, mistral.variants[0])
        assert alcove.fitting.quick(subject, SETTINGS).speed is None
        await asyncio.gather(alcove.fitting.prepare(), alcove.fitting.prepare())
        first = alcove.fitting.quick(subject, SETTINGS).speed
        assert first is not None
        assert first.basis is Basis.BANDWIDTH
        model = alcove.library.named(str(tiny))
        await alcove.engine.load(model.path, await alcove.fitting.suited(model, SETTINGS))
        await alcove.fitting.measured(model, SETTINGS, reply(3, 77.0))  # too short to tell
        assert alcove.fitting.quick(Subject.local(model), SETTINGS).speed is None  # so small: no law holds
        for speed in (50.0, 60.0, 70.0):
            await alcove.fitting.measured(model, SETTINGS, reply(200, speed))
        known = alcove.fitting.quick(Subject.local(model), replace(SETTINGS, context=600)).speed
        assert known is not None
        assert known.basis is Basis.MODEL
        assert known.tokens_per_s == pytest.approx(60.0, rel=0.35)  # 300 of 600 tokens, as then of 4,096

    run(paths, check)

    async def again(alcove: Assembly) -> None:
        subject = Subject.remote(alcove.hub.starting_points()[0], alcove.hub.starting_points()[0].variants[0])
        assert alcove.fitting.quick(subject, SETTINGS).speed is not None  # stored for this machine

    run(paths, again)
