"""What would make room."""

from __future__ import annotations

from dataclasses import replace

import pytest

from desktop.core.estimator import Estimator
from desktop.core.fit import Card, Room, Verdict, closed_form, comfort, judge
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.quants import BY_NAME
from desktop.core.remedies import Kind, Remedy, largest_context, remedies
from desktop.core.repacking import Repacking
from desktop.core.shape import Shape

GB = 10**9
Q4 = Shape.guessed(4_370_000_000, BY_NAME["Q4_K_M"], 7_240_000_000, "llama", 32768)
AVX2 = Repacking.of("AVX2 = 1 | REPACK = 1")
FORM = Estimator(Q4, AVX2)
PLAIN = Estimator(Q4)


def room_for(settings: LoadSettings, form: Estimator = FORM, more: int = 0) -> Room:
    """Just enough for these settings."""
    available = 0
    for step in (1 << n for n in range(40, 9, -1)):
        if judge(form(settings), Room(available + step)) is Verdict.TOO_LARGE:
            available += step
    return Room(available + 2048 + more)


def kinds(found: tuple[Remedy, ...]) -> list[Kind]:
    return [remedy.kind for remedy in found]


def test_what_fits_needs_no_remedy() -> None:
    assert remedies(FORM, LoadSettings(), Room(32 * GB, 32 * GB)) == ()


def test_each_remedy_helps_and_says_what_it_saves() -> None:
    settings = LoadSettings(context=32768)
    room = room_for(replace(settings, context=16384))
    found = remedies(FORM, settings, room)
    assert kinds(found) == [Kind.MMAP, Kind.REPACK, Kind.CONTEXT]  # q8_0 alone is not enough
    for remedy in found:
        assert judge(FORM(remedy.settings), room) is not Verdict.TOO_LARGE
        assert remedy.saving_bytes == FORM(settings).total_bytes - FORM(remedy.settings).total_bytes > 0
    assert found[-1].settings.context == 16384


def test_the_least_harm_comes_first() -> None:
    settings = LoadSettings(context=8192)
    found = remedies(FORM, settings, room_for(replace(settings, kv_type="q8_0")))
    assert kinds(found) == [Kind.KV_TYPE, Kind.MMAP, Kind.REPACK, Kind.CONTEXT]
    without = replace(settings, flash_attention=FlashAttention.OFF)
    found = remedies(FORM, without, room_for(replace(without, context=4096)))
    assert Kind.KV_TYPE not in kinds(found)  # needs flash attention
    assert Kind.KV_TYPE not in kinds(remedies(FORM, replace(settings, kv_type="q4_0"), Room(7 * GB)))


def test_mapping_is_given_up_only_where_the_copy_stands_beside_it() -> None:
    settings = LoadSettings(context=8192)
    room = room_for(replace(settings, context=4096), PLAIN)
    assert Kind.MMAP not in kinds(remedies(PLAIN, settings, room))
    (found,) = [
        one for one in remedies(FORM, settings, room_for(replace(settings, mmap=False))) if one.kind is Kind.MMAP
    ]
    assert found.saving_bytes == FORM(settings).repack_bytes


def test_where_one_change_is_not_enough_several_are_named() -> None:
    settings = LoadSettings(context=32768)
    less = replace(settings, kv_type="q8_0", repack=False)
    (found,) = remedies(FORM, settings, room_for(less))
    assert (found.kind, found.settings) == (Kind.SEVERAL, less)
    (found,) = remedies(FORM, settings, room_for(replace(less, context=2048)))
    assert (found.kind, found.settings) == (Kind.SEVERAL, replace(less, context=2048))


def test_a_smaller_variant_is_the_last_resort_and_the_largest_that_helps() -> None:
    smaller = {
        name: Estimator(Q4.sibling(round(size * GB), BY_NAME[name]), AVX2)
        for name, size in (("Q3_K_M", 3.52), ("Q3_K_S", 3.16), ("Q2_K", 3.08))
    }
    settings = LoadSettings(context=32768)
    room = room_for(settings, smaller["Q3_K_S"])
    found = remedies(PLAIN, settings, room, smaller)
    assert (found[-1].kind, found[-1].variant) == (Kind.VARIANT, "Q3_K_S")
    assert found[-1].settings == settings
    assert remedies(PLAIN, replace(settings, context=512), Room(GB), smaller) == ()


def test_what_is_tight_is_made_comfortable() -> None:
    settings = LoadSettings(context=16384)
    room = room_for(settings)
    assert judge(FORM(settings), room) is Verdict.TIGHT
    found = remedies(FORM, settings, room)
    assert Kind.REPACK in kinds(found)
    assert all(judge(FORM(remedy.settings), room) is Verdict.FITS for remedy in found)
    assert comfort(room) > 0


def test_layers_leave_a_graphics_card_that_is_too_small() -> None:
    cards = (Card("GPU", 3 * GB, 4 * GB),)
    form = Estimator(Q4, AVX2, cards)
    found = remedies(form, LoadSettings(gpu_layers=-1), Room(32 * GB, 32 * GB, cards))
    assert found[0].kind is Kind.GPU_LAYERS
    assert 0 < found[0].settings.gpu_layers < 30
    more = replace(found[0].settings, gpu_layers=found[0].settings.gpu_layers + 1)
    assert judge(form(more), Room(32 * GB, 32 * GB, cards)) is Verdict.TOO_LARGE


def test_no_layers_fit_a_card_that_is_full() -> None:
    cards = (Card("GPU", 1 << 20, 4 * GB),)
    form = Estimator(Q4, AVX2, cards)
    found = remedies(form, LoadSettings(gpu_layers=-1), Room(32 * GB, 32 * GB, cards))
    assert (found[0].kind, found[0].settings.gpu_layers) == (Kind.GPU_LAYERS, 0)


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_the_largest_context_is_the_last_that_fits(kv_type: str) -> None:
    settings = LoadSettings(kv_type=kv_type)
    room = room_for(replace(settings, context=10240))
    assert largest_context(FORM, settings, room, 32768) == 10240
    assert judge(FORM(replace(settings, context=10240)), room) is not Verdict.TOO_LARGE
    assert judge(FORM(replace(settings, context=10496)), room) is Verdict.TOO_LARGE


def test_it_is_never_more_than_trained_and_may_be_none() -> None:
    assert largest_context(FORM, LoadSettings(), Room(64 * GB), 2000) == 2000
    assert largest_context(FORM, LoadSettings(), Room(64 * GB)) == 32768  # looked no further
    assert largest_context(FORM, LoadSettings(context=65536), Room(64 * GB)) == 65536
    assert largest_context(FORM, LoadSettings(), Room(GB), 32768) == 0
    assert closed_form(Q4, LoadSettings()).total_bytes > GB
