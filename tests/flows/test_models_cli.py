"""From a search to a chat in a shell, against a Hub of our own: real processes, real sockets, a real engine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.services.paths import Paths
from tests.flows.conftest import REPLY
from tests.flows.program import PATIENCE_S, Outcome, Program
from tests.hub import HubServer, Repository
from tests.hub.shapes import MISTRAL_REPO, bloke_repository, model_bytes
from tests.hub.true_sizes import VARIANTS

FILE = "mistral-7b-instruct-v0.1.Q4_K_M.gguf"
LOCKED = "meta/Locked-GGUF"
TOKEN = "hf_thisIsTheTokenOfATester"
FIT = (
    "model ctx kv_type gpu_layers weights_bytes repack_bytes kv_bytes compute_bytes output_bytes process_bytes "
    "keeping_bytes committed_bytes file_backed_bytes device_bytes total_bytes state_bytes "
    "available_bytes verdict max_ctx source"
).split()
posix = pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")


@pytest.fixture
def hub(tmp_path: Path, brief: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    made = bloke_repository(tmp_path / "hub")
    made.commit({FILE: model_bytes(brief, VARIANTS["Q4_K_M"][0])})
    locked = Repository(LOCKED, {}, gated="manual")
    locked.commit({"locked.Q8_0.gguf": model_bytes(brief, VARIANTS["Q8_0"][0])})
    others: dict[str, bytes | Path] = {"model.safetensors": b"weights"}
    with HubServer({MISTRAL_REPO: made, LOCKED: locked, "a/Weights": others}, tokens={TOKEN: {LOCKED}}) as server:
        for name in [name for name in os.environ if name.startswith("HF_") or name.lower().endswith("_proxy")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


def refused(told: Outcome, *words: str) -> None:
    """Status 1, nothing printed, one line that says what happened."""
    assert (told.status, told.out) == (1, ""), told.err
    assert len(told.err.splitlines()) == 1, told.err
    assert all(word in told.err for word in words), told.err


# -- from a search to a chat -------------------------------------------------------------------------------------------


def test_from_a_search_to_a_chat(alcove: Program, hub: HubServer, home: Path) -> None:
    found = alcove.run("search", "mistral", "--author", "TheBloke", "--json")
    assert (found.status, found.err) == (0, "")
    row = found.record[0]
    assert (row["id"], row["author"], row["gated"]) == (MISTRAL_REPO, "TheBloke", False)

    held = alcove.run("variants", row["id"], "--ctx", "1024", "--json")
    assert (held.status, held.err) == (0, "")
    variants = {variant["label"]: variant for variant in held.record["variants"]}
    assert set(VARIANTS) | {"FP16"} == set(variants)
    assert len(variants["FP16"]["files"]) == 3
    assert variants["Q4_K_M"]["size_bytes"] == hub[MISTRAL_REPO].files[FILE].size
    assert held.record["recommended"] in variants
    assert held.record["commit"] == hub[MISTRAL_REPO].head

    name = f"{row['id']}:Q4_K_M"
    judged = alcove.run("fit", name, "--ctx", "1024", "--kv", "q8_0", "--json")
    assert (judged.status, judged.err) == (0, "")
    fit = judged.record
    assert list(fit) == FIT
    assert (fit["model"], fit["ctx"], fit["kv_type"], fit["source"]) == (name, 1024, "q8_0", "probe")
    assert fit["total_bytes"] == fit["committed_bytes"] + fit["file_backed_bytes"]

    got = alcove.run("download", name, "--json")
    assert (got.status, got.err) == (0, "")
    path = home / "models" / MISTRAL_REPO / FILE
    assert got.record["path"] == str(path)
    assert (got.record["repo"], got.record["commit"]) == (MISTRAL_REPO, hub[MISTRAL_REPO].head)
    assert got.record["sha256"] == hub[MISTRAL_REPO].files[FILE].sha256
    assert [file.name for file in path.parent.iterdir()] == [FILE]

    here = alcove.run("fit", got.record["name"], "--ctx", "1024", "--kv", "q8_0", "--json").record
    items = [key for key in FIT if key not in ("model", "available_bytes")]
    assert [here[key] for key in items] == [fit[key] for key in items]  # one number, before the download and after
    assert alcove.run("models", "verify", got.record["name"], "--json").record["against"] == "published"
    assert alcove.run("chat", got.record["name"], "-p", "한국어로?", "--threads", "1").out == REPLY + "\n"


def test_people_read_tables(alcove: Program, hub: HubServer) -> None:
    assert MISTRAL_REPO in alcove.run("search", "mistral").out
    assert MISTRAL_REPO in alcove.run("search", f"{hub.endpoint}/{MISTRAL_REPO}").out
    told = alcove.run("variants", f"{hub.endpoint}/{MISTRAL_REPO}/tree/main")
    assert told.status == 0
    assert told.out.startswith("Variant ")
    assert sum("recommended" in line for line in told.out.splitlines()) == 1
    told = alcove.run("fit", f"{MISTRAL_REPO}:{FILE}", "--ctx", "1024")
    assert told.status == 0
    assert "KV cache" in told.out
    assert "available: fits" in told.out
    told = alcove.run("download", f"{hub.endpoint}/{MISTRAL_REPO}/resolve/main/{FILE}")
    assert (told.status, told.err) == (0, "")
    assert "is in the library" in told.out
    again = alcove.run("download", f"{MISTRAL_REPO}:q4_k_m")
    assert (again.status, again.out) == (0, told.out)
    assert sum(request.path.endswith(FILE) and request.sent > 10**6 for request in hub.received["cdn"]) == 1


def test_a_split_model_arrives_as_one(alcove: Program, hub: HubServer) -> None:
    got = alcove.run("download", f"{MISTRAL_REPO}:FP16", "--json")
    assert (got.status, got.err) == (0, "")
    assert len(alcove.run("models", "--json").record) == 2  # with the guide
    told = alcove.run("chat", got.record["name"], "-p", "hi", "-n", "3", "--threads", "1", "--json")
    assert told.record["usage"]["completion_tokens"] == 3


def test_a_verdict_costs_less_than_a_megabyte(alcove: Program, hub: HubServer, tmp_path: Path) -> None:
    repo = "TheBloke/zephyr-7B-beta-GGUF"
    hub[repo] = bloke_repository(tmp_path / "true", repo, true_sizes=True, only=("Q4_K_M", "Q6_K"))
    fit = alcove.run("fit", f"{repo}:Q4_K_M", "--json").record
    assert fit["source"] == "probe"
    assert fit["kv_bytes"] == 32 * 4096 * 2 * 1024 * 2  # layers, tokens, K and V, numbers, bytes of f16
    assert fit["weights_bytes"] > 4_300_000_000
    assert 0 < hub.sent("cdn") <= 1_000_000


# -- interrupted -------------------------------------------------------------------------------------------------------


@posix
def test_an_interrupted_download_goes_on(alcove: Program, hub: HubServer, home: Path) -> None:
    fault = hub.misbehave(FILE, on="cdn", stall_after=3_000_000)
    command = ("download", f"{MISTRAL_REPO}:Q4_K_M")
    part = home / "models" / MISTRAL_REPO / f"{FILE}.part"
    with alcove.started(*command) as process:
        while not (part.exists() and part.stat().st_size >= 2_000_000):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"Paused" in err
    hub.behave(fault)
    kept = part.stat().st_size
    told = alcove.run(*command)
    assert (told.status, told.err) == (0, "")
    last = hub.received["cdn"][-1]
    assert last.headers["range"] == f"bytes={kept}-"
    assert last.sent == hub[MISTRAL_REPO].files[FILE].size - kept
    assert not part.exists()


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_a_token_opens_a_gate_and_never_reaches_the_second_host(
    alcove: Program, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(alcove.run("download", f"{LOCKED}:Q8_0"), f"{hub.endpoint}/{LOCKED}")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    told = alcove.run("fit", f"{LOCKED}:Q8_0", "--json")
    assert told.record["source"] == "probe"
    told = alcove.run("download", f"{LOCKED}:Q8_0", "--json")
    assert (told.status, told.record["repo"]) == (0, LOCKED)
    assert any(request.token == TOKEN for request in hub.received["hub"])
    assert hub.received["cdn"]
    for request in hub.received["cdn"]:
        assert "authorization" not in request.headers
        assert TOKEN not in request.target + json.dumps(request.headers)


def test_a_token_without_the_right_is_told_where_to_ask(
    alcove: Program, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.hub.tokens = {TOKEN: ()}
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    refused(alcove.run("download", f"{LOCKED}:Q8_0"), f"{hub.endpoint}/{LOCKED}")


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_what_is_not_there_is_said_in_one_line(alcove: Program, hub: HubServer) -> None:
    refused(alcove.run("variants", "nobody/nothing"), "nobody/nothing")
    refused(alcove.run("variants", "a/Weights"), "a/Weights", "GGUF")
    refused(alcove.run("download", f"{MISTRAL_REPO}:Q9_9"), "Q9_9", "Q4_K_M")
    refused(alcove.run("download", MISTRAL_REPO), f"{MISTRAL_REPO}:Q4_K_M")
    refused(alcove.run("download", "some words"), "some words")
    refused(alcove.run("fit", "no-such-model"), "no-such-model")
    hub.misbehave("/api/models", status=503)
    refused(alcove.run("search", "mistral"))


@pytest.mark.parametrize("words", [("search", "--limit", "0"), ("search", "--sort", "colour"), ("fit",), ("download",)])
def test_bad_usage_ends_with_2(alcove: Program, words: tuple[str, ...]) -> None:
    assert alcove.run(*words).status == 2


def test_without_the_hub_there_is_the_catalogue_and_what_was_found_before(alcove: Program, hub: HubServer) -> None:
    before = alcove.run("search", "mistral", "--json").record
    hub.close()
    told = alcove.run("search", "mistral", "--json")
    assert (told.status, told.record) == (0, before)
    refused(alcove.run("search", "zephyr"), "127.0.0.1")
    shelf = alcove.run("search", "--json").record
    assert [row["catalogue"] for row in shelf] == [True] * len(shelf)
    told = alcove.run("variants", "TheBloke/zephyr-7B-beta-GGUF", "--json")
    assert told.status == 0
    sizes = {variant["label"]: variant["size_bytes"] for variant in told.record["variants"]}
    assert sizes["Q4_K_M"] == 4_370_000_000
    assert "catalogue" in told.err


def test_search_and_variants_recommend_the_same(alcove: Program, hub: HubServer) -> None:
    hub.close()
    shelf = alcove.run("search", "--json").record
    named = [row for row in shelf if row["recommended"]]
    assert len(named) <= 1
    for row in named or shelf[:1]:
        best = alcove.run("variants", row["id"], "--json").record["recommended"]
        assert best == row["recommended"] or not named
        told = alcove.run("search")
        assert sum("recommended: " in line for line in told.out.splitlines()) == len(named)


def test_a_sealed_program_asks_nobody(
    alcove: Program, hub: HubServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_ENDPOINT")  # loopback is never sealed
    Paths(home).create()
    Paths(home).preferences.write_text("[settings]\noffline = true\n")
    for verb in (("search", "mistral"), ("variants", "some/One-GGUF"), ("download", f"{MISTRAL_REPO}:Q4_K_M")):
        refused(alcove.run(*verb), "offline")
    told = alcove.run("download", "https://models.example.org/tiny.Q8_0.gguf")
    assert (told.status, told.out) == (1, "")
    assert "offline" in told.err.splitlines()[-1]
    rows = [json.loads(line) for line in Paths(home).connections.read_text().splitlines()]
    assert rows
    assert all(row["refused"] for row in rows)
    assert {row["host"] for row in rows} <= {"huggingface.co", "models.example.org"}
    assert not hub.received["hub"]
