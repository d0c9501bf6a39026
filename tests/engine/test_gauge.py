"""What is read out of llama.cpp's log. The lines are those of llama-cpp-python 0.3.36."""

from __future__ import annotations

from desktop.engine.gauge import Notes

MIB = 1 << 20


def heard(*lines: str) -> Notes:
    notes = Notes()
    for line in lines:
        notes.heard(line + "\n")
    return notes


def test_the_three_kinds_of_buffers() -> None:
    notes = heard(
        "llama_context:        CPU  output buffer size =     0.12 MiB",
        "llama_kv_cache:        CPU KV buffer size =     0.00 MiB",
        "llama_kv_cache: size =   88.00 MiB ( 4096 cells, 22 layers, 1/1 seqs), K (f16): 44.00 MiB, V (f16): 44.00 MiB",
        "llama_kv_cache: attn_rot_k = 0, n_embd_head_k_all = 64",
        "sched_reserve:        CPU compute buffer size =    53.01 MiB",
        "load_tensors:   CPU_Mapped model buffer size =     9.00 MiB",
        "init_tokenizer: token to piece cache size = 0.1684 MB",
    )
    assert notes.found == {
        "kv": {"CPU": 88 * MIB},
        "compute": {"CPU": round(53.01 * MIB)},
        "output": {"CPU": round(0.12 * MIB)},
    }


def test_two_caches_add_up_and_are_shared_by_the_layers_devices() -> None:
    notes = heard(
        "llama_kv_cache: layer   5: dev = CPU",
        "llama_kv_cache: size =   10.00 MiB ( 4096 cells, 1 layers, 1/1 seqs), K (f16): 5.00 MiB, V (f16): 5.00 MiB",
        "llama_kv_cache: layer   0: dev = CPU",
        "llama_kv_cache: layer   1: filtered",
        "llama_kv_cache: layer   2: dev = CUDA0",
        "llama_kv_cache: layer   3: dev = CUDA0",
        "llama_kv_cache: layer   4: dev = CUDA0",
        "llama_kv_cache: size =    4.00 MiB ( 1024 cells, 4 layers, 1/1 seqs), K (f16): 2.00 MiB, V (f16): 2.00 MiB",
    )
    assert notes.found["kv"] == {"CPU": 11 * MIB, "CUDA0": 3 * MIB}


def test_recurrent_states_count() -> None:
    notes = heard(
        "llama_memory_recurrent, layer   0: dev = CPU",
        "llama_memory_recurrent:        CPU RS buffer size =     0.00 MiB",
        "llama_memory_recurrent: size =    2.50 MiB (     1 cells,   2 layers,  1 seqs  0 rs_seq), R (f32): 0.5 MiB",
        "llama_dsv4_comp_state: csa ratio = 4, state = 8 x 512, streams = 1, rs_seq = 0, layers = 3, size =  1.00 MiB",
    )
    assert notes.found["kv"] == {"CPU": round(3.5 * MIB)}


def test_places_of_tensors() -> None:
    notes = heard(
        "tensor token_embd.weight (50 MiB q4_K) buffer type overridden to CPU",
        "tensor token_embd.weight (50 MiB q4_K) buffer type overridden to CPU_REPACK",
    )
    assert notes.tensors == [("token_embd.weight", "CPU"), ("token_embd.weight", "CPU_REPACK")]


def test_a_flood_of_lines_is_not_listened_to() -> None:
    notes = heard(*["noise"] * 20_000, "sched_reserve:        CPU compute buffer size =    53.01 MiB")
    assert notes.found["compute"] == {}
    notes.clear()
    assert notes.found == {"kv": {}, "compute": {}, "output": {}}
