"""What a repository of the Hub holds, who may see it, its card, and bytes of its files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.core.errors import GatedError, HubError
from desktop.core.repos import Pasted
from desktop.services.online.hub import Hub
from tests.hub import HubServer
from tests.services.hub_driver import FILE, GATED, PRIVATE, REPO, TOKEN, age, calls, client, refusal, run, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serving(monkeypatch) as found:
        yield found


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Iterator[Hub]:
    with client(tmp_path) as (found, _network):
        yield found


# -- a repository ------------------------------------------------------------------------------------------------------


def test_a_listing_is_of_one_commit(server: HubServer, hub: Hub) -> None:
    listing = run(hub.listing(REPO))
    commit = server[REPO].head
    assert (listing.commit, listing.repository.licence, listing.repository.parameters) == (commit, "mit", 7_000_000)
    assert [v.label for v in listing.variants] == ["Q4_K_M", "Q8_0"]
    (file,) = listing.variants[0].files
    assert (file.path, file.size, file.sha256) == (FILE, 2000, server[REPO].files[FILE].sha256)
    assert listing.at == pytest.approx(time.time(), abs=60)
    server[REPO].commit({FILE: b"GGUF" * 3})
    assert run(hub.read(REPO, commit, FILE, 4, 10)) == b"GGUFGG"
    assert calls(server, f"/tree/{commit}") == 1
    assert run(hub.listing(REPO)).commit == commit  # for a while
    assert run(hub.listing(REPO, again=True)).commit == server[REPO].head
    assert run(hub.listing(REPO, commit)).variants == listing.variants


def test_a_listing_without_a_network_is_marked(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    before = run(hub.listing(REPO))
    age(tmp_path, 3600)
    server.misbehave("/api/models", status=502)
    listing = run(hub.listing(REPO))
    assert listing.stale
    assert replace(listing, stale=False, at=before.at) == before
    assert isinstance(refusal(lambda: hub.listing(GATED)), HubError)


def test_what_the_hub_refuses_is_not_answered_from_the_disk(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    run(hub.listing(REPO))
    age(tmp_path, 3600)
    del server.hub.repositories[REPO]
    assert "does not exist" in str(refusal(lambda: hub.listing(REPO)))


def test_a_repository_with_many_files_and_hostile_names(server: HubServer, hub: Hub) -> None:
    names = [f"m-{number}.Q4_0.gguf" for number in range(300)]
    hostile = ["../out.gguf", "/etc/x.gguf", "a/../../b.gguf", "C:\\x.gguf", "nul.gguf", "x\u202efugg.gguf"]
    server["x/Big-GGUF"] = dict.fromkeys([*names, *hostile, "mmproj-f16.gguf", "imatrix.gguf"], b"GGUF")
    server.hub.tree_page = 100
    listing = run(hub.listing("x/Big-GGUF"))
    assert sorted(v.path for v in listing.variants) == sorted(names)
    assert calls(server, "/tree/") == 4
    assert len(server.received["hub"]) == 5  # no call for a row


def test_split_files_are_one_row(server: HubServer, hub: Hub) -> None:
    server["x/Split-GGUF"] = {f"q8/m.Q8_0-0000{n}-of-00002.gguf": b"GGUF" * n for n in (1, 2)}
    (variant,) = run(hub.listing("x/Split-GGUF")).variants
    assert (variant.label, variant.size, len(variant.files)) == ("Q8_0", 12, 2)


def test_a_repository_without_gguf_has_no_variants(server: HubServer, hub: Hub) -> None:
    assert run(hub.listing("a/No-GGUF")).variants == ()


def test_a_repository_that_moved_is_found_under_its_new_name(server: HubServer, hub: Hub) -> None:
    server.hub.moved["Old/Name-GGUF"] = REPO
    listing = run(hub.listing("Old/Name-GGUF"))
    assert listing.repository.id == REPO
    assert run(hub.read("Old/Name-GGUF", listing.commit, FILE, 0, 4)) == b"GGUF"


@pytest.mark.parametrize("name", ["nobody", "../x", "a/b/c", "", "a b/c"])
def test_a_name_that_is_none_is_not_asked_for(server: HubServer, hub: Hub, name: str) -> None:
    assert "is not the name of a repository" in str(refusal(lambda: hub.listing(name)))
    assert server.received["hub"] == []


# -- who may see what --------------------------------------------------------------------------------------------------


def test_a_gated_repository_can_be_looked_at_but_not_read(server: HubServer, hub: Hub) -> None:
    listing = run(hub.listing(GATED))
    assert listing.repository.gated
    error = refusal(lambda: hub.read(GATED, listing.commit, "locked.Q8_0.gguf", 0, 4))
    assert isinstance(error, GatedError)
    assert error.fields == {"repo": GATED, "url": f"{server.endpoint}/{GATED}"}


def test_a_token_opens_and_goes_to_the_hub_only(
    server: HubServer, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(refusal(lambda: hub.listing(PRIVATE)), HubError)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert run(hub.listing(PRIVATE)).variants[0].path == "mine.gguf"
    assert run(hub.read(GATED, "main", "locked.Q8_0.gguf", 0, 4)) == b"GGUF"
    assert TOKEN in str(server.received["hub"][-1].headers)
    assert server.received["cdn"]
    assert not any(TOKEN in str(request) for request in server.received["cdn"])
    assert run(hub.listing(PRIVATE)).variants
    asked = calls(server)
    server.hub.tokens = {**server.hub.tokens, "hf_of_another": ()}
    for token in ("hf_of_another", ""):
        monkeypatch.setenv("HF_TOKEN", token)
        assert isinstance(refusal(lambda: hub.listing(PRIVATE)), HubError)  # nor from the disk
    assert calls(server) == asked + 2
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_wrong_token_is_named(server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_a_wrong_one")
    for asked in (lambda: hub.listing(REPO), lambda: hub.search("tiny").more()):
        assert "does not accept your token" in str(refusal(asked))


# -- cards, bytes, addresses -------------------------------------------------------------------------------------------


def test_a_card_is_read_once_and_shown_safely(server: HubServer, hub: Hub) -> None:
    commit = server[REPO].head
    assert run(hub.card(REPO, commit)) == run(hub.card(REPO, commit)) == "# Tiny\n"
    assert calls(server, "/resolve/") == 1
    assert run(hub.card("a/No-GGUF", "")) == ""
    server["x/Long"] = {"README.md": b"a" * (1 << 20)}
    assert len(run(hub.card("x/Long", ""))) < 1 << 19
    server.misbehave("README", status=500)
    assert isinstance(refusal(lambda: hub.card(GATED, "")), HubError)


def test_bytes_of_a_file(server: HubServer, hub: Hub) -> None:
    assert run(hub.read(REPO, "", FILE, 1, 3)) == b"GU"
    assert run(hub.read(REPO, "", FILE, 1998, 5000)) == b"UF"
    assert run(hub.read(REPO, "", FILE, 2000, 5000)) == b""
    assert "does not hold this file" in str(refusal(lambda: hub.read(REPO, "", "other.gguf", 0, 4)))
    server.misbehave(FILE, on="cdn", ignore_range=True)
    assert run(hub.read(REPO, "", FILE, 1, 3)) == b"GU"


def test_connections_are_listed_with_their_reason(server: HubServer, tmp_path: Path) -> None:
    with client(tmp_path) as (hub, network):
        run(hub.search("tiny").more())
        run(hub.listing(REPO))
        reasons = {connection.why for connection in network.connections()}
    assert reasons == {"Searching the Hub", "Looking at a repository of the Hub"} or reasons == {"Searching the Hub"}


def test_the_client_says_nothing_of_this_computer(server: HubServer, hub: Hub) -> None:
    run(hub.search("tiny").more())
    run(hub.listing(REPO))
    run(hub.card(REPO, ""))
    for request in server.received["hub"]:
        assert request.headers["user-agent"].startswith("Alcove/")
        assert "python" not in str(request.headers).lower()


def test_addresses_of_the_hub_in_use(server: HubServer, hub: Hub) -> None:
    address = f"{server.endpoint}/{REPO}/blob/main/{FILE}"
    assert hub.pasted(address) == Pasted(REPO, FILE)
    assert hub.page(REPO) == f"{server.endpoint}/{REPO}"
    assert hub.url(REPO, "ab" * 20, "a b.gguf") == f"{server.endpoint}/{REPO}/resolve/{'ab' * 20}/a%20b.gguf"
