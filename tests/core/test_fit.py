"""The closed form, itemised, and the verdict."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from desktop.core.fit import (
    MIB,
    Buffers,
    Card,
    DeviceUse,
    Estimate,
    Lacking,
    Room,
    Source,
    Verdict,
    bounded,
    closed_form,
    comfort,
    judge,
    keeping_bytes,
    kv_bytes,
    lacking,
    layers_on_cards,
    probed,
)
from desktop.core.generation import FlashAttention, LoadSettings
from desktop.core.gguf import Header, Tensor
from desktop.core.lookup import MOST
from desktop.core.repacking import Repacking
from desktop.core.shape import Layer, Shape

GIB = 1 << 30
AVX2 = Repacking.of("CPU : AVX2 = 1 | REPACK = 1 |")
CPU = LoadSettings(context=4096, gpu_layers=0)


def dense(layers: int, width: int, feed_forward: int, heads: int, kept: int, vocabulary: int) -> Shape:
    head = width // heads * kept
    return Shape(
        "llama", (Layer(head, head),) * layers, width, feed_forward, heads, width, vocabulary, 32768, 4 * GIB, held=True
    )


LLAMA_3_8B = dense(32, 4096, 14336, 32, 8, 128_256)
LLAMA_2_7B = dense(32, 4096, 11008, 32, 32, 32_000)
TINYLLAMA = dense(22, 2048, 5632, 32, 4, 32_000)


def blocks(count: int = 4, kind: int = 12) -> Shape:
    """Small layers of one Q4_K matrix each, with an embedding and an output."""
    size = 1024 * 4096 // 256 * 144
    names = ["token_embd.weight", "output.weight", *(f"blk.{n}.ffn_up.weight" for n in range(count))]
    tensors = tuple(Tensor(name, (1024, 4096), kind, at * size, size) for at, name in enumerate(names))
    numbers = {"block_count": count, "embedding_length": 1024, "attention.head_count": 8, "feed_forward_length": 4096}
    metadata = {"general.architecture": "llama", **{f"llama.{key}": value for key, value in numbers.items()}}
    return Shape.of([Header(3, metadata, tensors, 4096, 32)])


@pytest.mark.parametrize(
    ("shape", "kib"), [(TINYLLAMA, 22), (LLAMA_3_8B, 128), (LLAMA_2_7B, 512)], ids=["TinyLlama", "Llama-3", "Llama-2"]
)
def test_kv_of_one_token(shape: Shape, kib: int) -> None:
    assert closed_form(shape, CPU).kv_bytes == 4096 * kib * 1024  # as llama.cpp reports


@pytest.mark.parametrize(("flash", "mib"), [(FlashAttention.AUTO, 148), (FlashAttention.OFF, 2156)])
def test_compute_of_8_thousand_million_parameters(flash: FlashAttention, mib: int) -> None:
    estimate = closed_form(LLAMA_3_8B, replace(CPU, context=32768, flash_attention=flash))
    assert round(estimate.compute_bytes / MIB) == mib


def test_experts_answers_are_all_kept_until_they_are_weighted() -> None:
    qwen3 = replace(dense(8, 2048, 8 * 768, 32, 4, 151_936), experts=8)
    assert closed_form(qwen3, replace(CPU, context=1024)).compute_bytes == 93_323_264  # llama.cpp: 93.33 MB


def test_quantised_kv_takes_its_share() -> None:
    f16, q8, q4 = (closed_form(TINYLLAMA, replace(CPU, kv_type=kind)).kv_bytes for kind in ("f16", "q8_0", "q4_0"))
    assert (q8 / f16, q4 / f16) == (34 / 64, 18 / 64)


def test_a_sliding_window_keeps_itself_and_a_batch() -> None:
    whole, sliding = Layer(256, 256), Layer(256, 256, window=512)
    assert kv_bytes(sliding, replace(CPU, context=32768)) == 1024 * 512 * 2
    assert kv_bytes(sliding, replace(CPU, context=512)) == kv_bytes(whole, replace(CPU, context=512))


def test_settings_become_what_llama_cpp_makes_of_them() -> None:
    assert bounded(replace(CPU, context=0), TINYLLAMA).context == 32768
    assert bounded(replace(CPU, context=0), replace(TINYLLAMA, trained_context=0)).context == 4096
    assert bounded(replace(CPU, context=1000), TINYLLAMA).context == 1024
    assert bounded(replace(CPU, context=100), TINYLLAMA).batch == 256


def test_items_add_up_and_each_byte_counts_once() -> None:
    estimate = closed_form(blocks(), CPU, AVX2)
    size = 1024 * 4096 // 256 * 144
    assert (estimate.weights_bytes, estimate.repack_bytes) == (size, 5 * size)  # the embedding is only looked up
    items = estimate.repack_bytes + estimate.kv_bytes + estimate.compute_bytes + estimate.output_bytes
    assert estimate.committed_bytes == items + estimate.process_bytes + estimate.keeping_bytes
    assert estimate.total_bytes == estimate.committed_bytes + estimate.file_backed_bytes
    assert closed_form(blocks(), replace(CPU, repack=False), AVX2).repack_bytes == 0


@pytest.mark.parametrize("settings", [replace(CPU, mmap=False), replace(CPU, mlock=True)])
def test_weights_that_may_not_be_dropped_are_committed(settings: LoadSettings) -> None:
    mapped, kept = closed_form(blocks(), CPU), closed_form(blocks(), settings)
    assert kept.file_backed_bytes == 0
    assert kept.committed_bytes == mapped.committed_bytes + mapped.weights_bytes


def test_the_process_grows_with_the_vocabulary() -> None:
    small, large = (closed_form(replace(TINYLLAMA, vocabulary=n), CPU).process_bytes for n in (32_000, 262_144))
    assert 40 * 10**6 < large - small < 60 * 10**6


def test_what_llama_cpp_said_wins() -> None:
    said = Buffers({"CPU": 7, "CUDA0": 5}, {"CPU": 11}, {"CPU": 13}, (("token_embd.weight", "CPU"),))
    estimate = probed(blocks(), CPU, said, AVX2)
    size = 1024 * 4096 // 256 * 144
    assert (estimate.kv_bytes, estimate.compute_bytes, estimate.output_bytes) == (12, 11, MOST * 13)
    assert (estimate.weights_bytes, estimate.repack_bytes, estimate.source) == (size, 0, Source.PROBE)
    shape = replace(blocks(), weights=None)
    assert probed(shape, CPU, said, AVX2).repack_bytes > 0  # no tensors: the rule of thumb stays


def test_layers_move_to_a_card_from_the_end() -> None:
    card = Card("CUDA0", 8 * GIB)
    one, all_ = (closed_form(blocks(), replace(CPU, gpu_layers=n), AVX2, [card]) for n in (1, -1))
    size = 1024 * 4096 // 256 * 144
    assert one.devices == (DeviceUse("CUDA0", size, 0, one.compute_bytes),)  # the output goes first
    assert (all_.gpu_layers, all_.repack_bytes, all_.kv_bytes, all_.weights_bytes) == (5, 0, 0, size)
    assert all_.device_bytes == all_.devices[0].total_bytes == 5 * size + 4 * 4096 * 4096 + one.compute_bytes
    assert closed_form(blocks(), replace(CPU, gpu_layers=-1), AVX2).devices == ()  # no card, no layers


def test_two_cards_share_by_what_they_have_free() -> None:
    cards = [Card("A", 3 * GIB), Card("B", GIB)]
    uses = closed_form(blocks(7), replace(CPU, gpu_layers=-1), AVX2, cards).devices
    assert [use.weights_bytes // uses[1].weights_bytes for use in uses] == [3, 1]
    nothing = closed_form(blocks(7), replace(CPU, gpu_layers=-1), AVX2, [Card("A", 0)])
    assert nothing.devices[0].weights_bytes > 0  # forced there, whatever it has


def test_memory_that_card_and_computer_share_counts_once() -> None:
    settings = replace(CPU, gpu_layers=-1)
    own, shared = (closed_form(blocks(), settings, AVX2, [Card("M", 8 * GIB, shared=s)]) for s in (False, True))
    use = shared.devices[0]
    assert shared.device_bytes == 0
    assert shared.committed_bytes == own.committed_bytes + use.kv_bytes + use.compute_bytes
    assert shared.file_backed_bytes == own.file_backed_bytes + use.weights_bytes


def test_automatic_layers_are_those_that_fit() -> None:
    shape = replace(LLAMA_3_8B, weights_bytes=33 * 128 * MIB)
    automatic = replace(CPU, gpu_layers=-2)
    found = [layers_on_cards(shape, automatic, [Card("G", free * GIB)]) for free in (0, 1, 2, 4, 8)]
    assert found[0] == 0
    assert found == sorted(found)
    assert 0 < found[2] < 33
    assert found[4] == 33
    whole = closed_form(shape, automatic, cards=[Card("G", 2 * GIB)])
    assert whole.device_bytes <= 2 * GIB


# --- the verdict ---

EXACT = Estimate(4 * GIB, 0, GIB, 0, 0, 0, source=Source.PROBE)
ERROR = EXACT.total_bytes * 3 // 100


def test_committed_and_file_backed_are_judged_apart() -> None:
    assert lacking(EXACT, Room(8 * GIB)) == Lacking()
    disk = lacking(EXACT, Room(4 * GIB))
    assert (disk.committed_bytes, disk.mapped_bytes) == (0, GIB + ERROR)
    both = lacking(EXACT, Room(GIB))
    assert (both.committed_bytes, both.mapped_bytes) == (ERROR, 4 * GIB)
    assert [bool(found) for found in (disk, both, lacking(EXACT, Room(8 * GIB)))] == [True, True, False]


def test_the_three_verdicts_meet_where_they_say() -> None:
    least = EXACT.total_bytes + ERROR
    room = Room(least - 1, 16 * GIB)
    assert judge(EXACT, room) is Verdict.TOO_LARGE
    assert judge(EXACT, replace(room, available_bytes=least)) is Verdict.TIGHT
    assert judge(EXACT, replace(room, available_bytes=least + comfort(room) - 1)) is Verdict.TIGHT
    assert judge(EXACT, replace(room, available_bytes=least + comfort(room))) is Verdict.FITS


def test_the_less_is_known_the_more_must_be_there() -> None:
    probe, form = EXACT, replace(EXACT, source=Source.CLOSED_FORM)
    unknown = replace(form, held=False)
    needs = [EXACT.total_bytes + lacking(e, Room(0)).committed_bytes for e in (probe, form, unknown)]
    assert needs == sorted(needs)
    assert len(set(needs)) == 3


def test_partly_on_a_card() -> None:
    split = replace(EXACT, devices=(DeviceUse("G", GIB, 0, 0),), layers=32, gpu_layers=10)
    room = Room(16 * GIB, 16 * GIB, (Card("G", 2 * GIB),))
    assert judge(split, room) is Verdict.PARTLY
    assert judge(replace(split, gpu_layers=33), room) is Verdict.FITS
    assert judge(split, replace(room, devices=(Card("G", GIB // 2),))) is Verdict.TOO_LARGE
    assert lacking(split, replace(room, devices=())).device_bytes == GIB


def test_7b_on_16_gigabytes() -> None:
    """Mistral-7B Q4_K_M at 4k: 8.2 GB with the copy for this processor; on a fresh 16 GB machine it fits."""
    estimate = Estimate(4_367_700_000, 3_359_640_000, 512 * MIB, 120 * MIB, 128_000, 64_000_000, source=Source.PROBE)
    assert judge(estimate, Room(11 * 10**9, 16 * 10**9)) is Verdict.FITS
    assert judge(estimate, Room(9 * 10**9, 16 * 10**9)) is Verdict.TIGHT
    assert judge(estimate, Room(8 * 10**9, 16 * 10**9)) is Verdict.TOO_LARGE
    assert judge(replace(estimate, repack_bytes=0), Room(8 * 10**9, 16 * 10**9)) is Verdict.FITS


def test_hostile_shapes_are_answered() -> None:
    empty = Shape.of([Header(3, {"general.architecture": "x"}, (), 0, 32)])
    keys = ("block_count", "embedding_length", "attention.head_count", "attention.head_count_kv", "context_length")
    cards = [Card("G", 0), Card("H", GIB)]
    for value, layers in itertools.product((0, -1, 2**63, 2**64 - 1), (0, 1, -1, -2, 2**31)):
        metadata = {"general.architecture": "llama", **{f"llama.{key}": value for key in keys}}
        for shape in (empty, Shape.of([Header(3, metadata, (), 0, 32)])):
            for settings in (replace(CPU, gpu_layers=layers, context=value), replace(CPU, batch=0, kv_type="odd")):
                estimate = closed_form(shape, settings, AVX2, cards)
                assert estimate.total_bytes > 0
                assert judge(estimate, Room(0)) is Verdict.TOO_LARGE


def test_what_going_back_and_saving_take() -> None:
    """Gemma-3-1B: 22 layers of 512 tokens, 1 KiB each, and 4 that see all; checkpoints take 256 MiB at most."""
    whole, sliding = Layer(256, 256), Layer(256, 256, window=512)
    gemma = replace(TINYLLAMA, layers=(*(sliding,) * 22, *(whole,) * 4))
    settings = replace(CPU, context=4096, kv_type="f16")
    one = 22 * 512 * 1024
    assert keeping_bytes(gemma, settings) == one + 4 * 4096 * 1024 + 23 * one
    assert keeping_bytes(gemma, replace(settings, context=512)) == 26 * 512 * 1024  # all of it can be cut
    assert keeping_bytes(replace(TINYLLAMA, layers=(), state_bytes=MIB), settings) == 33 * MIB
    assert keeping_bytes(TINYLLAMA, settings) == 12 * MIB
    assert keeping_bytes(replace(TINYLLAMA, layers=(whole,)), replace(settings, context=256)) == 256 * 1024


def test_what_a_full_chat_takes_on_disk() -> None:
    estimate = closed_form(TINYLLAMA, CPU)
    assert estimate.state_bytes == estimate.kv_bytes > estimate.keeping_bytes
    recurrent = closed_form(replace(TINYLLAMA, layers=(), state_bytes=MIB), CPU)
    assert recurrent.state_bytes == recurrent.keeping_bytes == 33 * MIB
