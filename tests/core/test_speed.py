"""What a forecast of speed rests on."""

from __future__ import annotations

import pytest

from desktop.core.gguf import Header, Tensor
from desktop.core.speed import Basis, Run, forecast, reachable, weights_read

GB = 10**9


def tensor(name: str, size: int) -> Tensor:
    return Tensor(name, (size,), 0, 0, size)


def header(*tensors: Tensor, **numbers: int) -> Header:
    return Header(3, {"general.architecture": "x", **{f"x.{k}": v for k, v in numbers.items()}}, tensors, 0, 32)


def test_of_the_embedding_one_row_is_read_unless_it_is_the_output_too() -> None:
    block, embedding = tensor("blk.0.ffn_up.weight", 1000), tensor("token_embd.weight", 300)
    assert weights_read([header(embedding, block, tensor("output.weight", 200))]) == 1200
    assert weights_read([header(embedding, block)]) == 1300
    assert weights_read([header(embedding, block, tensor("per_layer_token_embd.weight", 5000))]) == 1300
    assert weights_read([]) == 0


def test_of_experts_only_the_active_ones_are_read() -> None:
    experts, shared = tensor("blk.0.ffn_up_exps.weight", 8000), tensor("blk.0.attn_q.weight", 100)
    output = tensor("output.weight", 10)
    assert weights_read([header(experts, shared, output, expert_count=8, expert_used_count=2)]) == 2110
    assert weights_read([header(experts, shared, output, expert_count=8)]) == 8110
    assert weights_read([header(experts, shared, output, expert_count=2, expert_used_count=8)]) == 8110  # a lie


def test_the_second_file_of_a_split_model_counts() -> None:
    first, second = header(tensor("token_embd.weight", 5), tensor("output.weight", 7)), header(tensor("blk.1.a", 11))
    assert weights_read([first, second]) == 18


def test_a_model_without_runs_is_bound_by_the_bandwidth() -> None:
    speed = forecast(["m"], 4 * GB, [], reachable(68e9, 4))
    assert speed is not None
    assert speed.basis is Basis.BANDWIDTH
    assert speed.tokens_per_s == pytest.approx(0.8 * 17)  # Mistral-7B Q4_K_M on an M1: 13.6; the ceiling is 15.6


def test_published_and_measured_speeds_are_foretold() -> None:
    for size, bandwidth, cores, seen in (
        (3.79e9, 68e9, 4, 14.2),  # FACTS: Llama-2-7B Q4_0 on an M1 mini
        (4.9e9, 120e9, 0, 21.0),  # 8B Q4_K_M on an M4 mini, on its graphics cores
        (0.60e9, 62e9, 2, 51.5),  # docs/benchmarks: TinyLlama Q4_0 on two cores of a server
    ):
        speed = forecast([], int(size), [], reachable(bandwidth, cores))
        assert speed is not None
        assert speed.tokens_per_s == pytest.approx(seen, rel=0.1)


def test_its_own_runs_win_over_those_of_others_and_those_over_the_bandwidth() -> None:
    other, own = Run("other", 2 * GB, 20.0), [Run("m", 4 * GB, speed) for speed in (1.0, 8.0, 9.0, 10.0, 11.0, 12.0)]
    scaled = forecast(["m"], 4 * GB, [other], 68e9)
    assert scaled is not None
    assert (scaled.basis, scaled.tokens_per_s) == (Basis.SCALED, 10.0)
    known = forecast(["x", "m"], 4 * GB, [*own, other], 68e9)
    assert known is not None
    assert (known.basis, known.tokens_per_s) == (Basis.MODEL, 11.0)  # of the last five the best but one
    smaller = forecast(["m"], 2 * GB, own, 68e9)  # with a shorter context
    assert smaller is not None
    assert smaller.tokens_per_s == 22.0


def test_a_run_that_others_slowed_down_gives_way_to_a_better_one() -> None:
    for runs in ([3.8, 60.0], [60.0, 3.8], [3.8, 3.8, 3.8, 60.0], [3.8, 60.0, 60.0, 3.8, 3.8]):
        speed = forecast(["m"], GB, [Run("m", GB, run) for run in runs], 0.0)
        scaled = forecast(["x"], GB, [Run("m", GB, run) for run in runs], 0.0)
        assert speed is not None
        assert scaled is not None
        assert speed.tokens_per_s == scaled.tokens_per_s == 60.0


@pytest.mark.parametrize("size", [GB // 2, 40 * GB])
def test_a_model_of_another_size_class_tells_nothing(size: int) -> None:
    speed = forecast(["m"], 4 * GB, [Run("other", size, 5.0)], 68e9)
    assert speed is not None
    assert speed.basis is Basis.BANDWIDTH


def test_nothing_is_foretold_where_nothing_is_known() -> None:
    assert forecast(["m"], 0, [], 68e9) is None
    assert forecast(["m"], 4 * GB, [], 0.0) is None
    assert forecast(["m"], 5_000_000, [], 68e9) is None  # runs in the cache
    assert forecast(["m"], 4 * GB, [Run("m", 4 * GB, 9.0)], 0.0, gpu=True) is None  # that was the processor's
    assert forecast(["m"], 4 * GB, [Run("m", 4 * GB, 0.0), Run("m", 0, 9.0)], 0.0) is None
