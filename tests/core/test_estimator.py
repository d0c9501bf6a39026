"""One model's estimates: the arithmetic, and what llama.cpp said."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from desktop.core.estimator import Estimator
from desktop.core.fit import Buffers, Card, Source, closed_form
from desktop.core.generation import LoadSettings
from desktop.core.gguf import Header, Tensor
from desktop.core.repacking import Repacking
from desktop.core.shape import Shape

AVX2 = Repacking.of("AVX2 = 1 | REPACK = 1")
MIB = 1 << 20


def shape(layers: int = 4, trained: int = 32768) -> Shape:
    """A small llama, each block of one Q4_K matrix."""
    numbers = {
        "block_count": layers,
        "embedding_length": 1024,
        "feed_forward_length": 4096,
        "attention.head_count": 8,
        "attention.head_count_kv": 2,
        "context_length": trained,
    }
    size = 1024 * 4096 // 256 * 144
    tensors = tuple(
        Tensor(name, (1024, 4096), 12, number * size, size)
        for number, name in enumerate(
            ["token_embd.weight", "output.weight", *(f"blk.{n}.ffn_up.weight" for n in range(layers))]
        )
    )
    metadata = {"general.architecture": "llama", **{f"llama.{k}": v for k, v in numbers.items()}}
    return Shape.of([Header(3, metadata, tensors, 4096, 32)])


SETTINGS = [
    LoadSettings(),
    LoadSettings(context=0),
    LoadSettings(context=1000, kv_type="q8_0"),
    LoadSettings(context=16384, repack=False, batch=64),
    LoadSettings(mmap=False),
    LoadSettings(mlock=True, context=300),
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_without_a_word_of_llama_cpp_it_is_the_closed_form(settings: LoadSettings) -> None:
    estimator = Estimator(shape(), AVX2)
    for _ in range(2):  # from what was looked through once, too
        assert estimator(settings) == closed_form(shape(), settings, AVX2)


@pytest.mark.parametrize("layers", [0, 2, -1, -2])
def test_with_a_graphics_card_too(layers: int) -> None:
    cards = (Card("GPU", 4 << 30),)
    settings = LoadSettings(gpu_layers=layers)
    estimate = Estimator(shape(), AVX2, cards)(settings)
    assert replace(estimate, gpu_layers=0) == replace(closed_form(shape(), settings, AVX2, cards), gpu_layers=0)
    assert bool(estimate.devices) == (layers != 0)


def said(kv: int, compute: int) -> Buffers:
    return Buffers({"CPU": kv}, {"CPU": compute}, {"CPU": 128000})


def test_what_llama_cpp_said_stays_said() -> None:
    estimator = Estimator(shape())
    wanted = LoadSettings(context=4000, threads=3)
    estimator.learn({estimator.key(wanted): said(7 * MIB, 55 * MIB)})
    estimator.learn({estimator.key(wanted): said(1, 1)})
    exact = estimator(replace(wanted, context=4096, threads=8, batch_threads=2))  # llama.cpp pads to 4,096
    assert (exact.kv_bytes, exact.compute_bytes, exact.source) == (7 * MIB, 55 * MIB, Source.PROBE)


def test_it_draws_other_contexts_to_itself() -> None:
    plain, estimator = Estimator(shape()), Estimator(shape())
    near, far = LoadSettings(context=4096), LoadSettings(context=16384)
    was = plain(near)
    estimator.learn({estimator.key(near): said(2 * was.kv_bytes, was.compute_bytes)})
    drawn = estimator(far)
    assert drawn.kv_bytes == 2 * plain(far).kv_bytes
    assert drawn.compute_bytes == plain(far).compute_bytes
    assert drawn.source is Source.CLOSED_FORM
    assert estimator(replace(near, kv_type="q8_0")).kv_bytes == 2 * plain(replace(near, kv_type="q8_0")).kv_bytes
    assert estimator(replace(near, repack=False)) == plain(replace(near, repack=False))  # another load


def test_a_model_without_a_cache_keeps_what_llama_cpp_said() -> None:
    estimator = Estimator(replace(shape(), layers=()))
    estimator.learn({estimator.key(LoadSettings()): said(3 * MIB, 40 * MIB)})
    assert estimator(LoadSettings(context=512)).kv_bytes == 3 * MIB


def test_a_correction_changes_the_process_only() -> None:
    plain, more = Estimator(shape()), Estimator(shape(), correction=5 * MIB)
    settings = LoadSettings()
    assert more(settings) == replace(plain(settings), process_bytes=plain(settings).process_bytes + 5 * MIB)
    assert Estimator(shape(), correction=-(1 << 40))(settings).process_bytes == 0


def test_twelve_rows_of_an_80_layer_model_take_few_milliseconds() -> None:
    estimators = [Estimator(shape(80), AVX2) for _ in range(12)]
    began = time.perf_counter()
    for estimator in estimators:
        for context in range(256, 256 * 12, 256):
            estimator(LoadSettings(context=context))
    assert time.perf_counter() - began < 0.5  # 0.02 s on an idle machine
