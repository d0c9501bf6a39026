"""The Hub's client against a Hub of our own: the real huggingface_hub, over real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from desktop.core.errors import GatedError, HubError, NetworkError, Sealed, UserError
from desktop.core.repos import Pasted
from desktop.services.hub import Hub, Search, Sort
from desktop.services.network import Network
from desktop.services.tokens import Tokens
from desktop.services.web import Web
from tests.hub import HTML, HubServer, Repository

T = TypeVar("T")
REPO, FILE = "TheBloke/Tiny-GGUF", "tiny.Q4_K_M.gguf"
GATED, PRIVATE = "meta/Locked-GGUF", "me/Mine-GGUF"
TOKEN = "hf_the_good_one"
README = b"---\nlicense: mit\n---\n<div>\n# Tiny\n</div>\n<script>x</script>"
GGUF = {"total": 7_000_000, "architecture": "llama", "context_length": 2048}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    tiny = Repository(REPO, {}, downloads=900, likes=7, gguf=GGUF, licence="mit", modified="2023-12-09T11:58:03.000Z")
    tiny.commit({FILE: b"GGUF" * 500, "tiny.Q8_0.gguf": b"GGUF" * 900, "README.md": README, "config.json": b"{}"})
    gated = Repository(GATED, {}, downloads=5, gated="manual")
    gated.commit({"locked.Q8_0.gguf": b"GGUF" * 10})
    private = Repository(PRIVATE, {}, private=True)
    private.commit({"mine.gguf": b"GGUF"})
    with HubServer(
        {REPO: tiny, GATED: gated, PRIVATE: private, "a/No-GGUF": {"weights.safetensors": b"x"}},
        tokens={TOKEN: (GATED, PRIVATE)},
    ) as found:
        monkeypatch.setenv("HF_ENDPOINT", found.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield found


@contextmanager
def client(folder: Path, patience_s: float = 5.0) -> Iterator[tuple[Hub, Network]]:
    network, tokens = Network(), Tokens(folder / "token")
    web = Web(network, tokens, patience_s)
    hub = Hub(web, folder / "cache", tokens)
    yield hub, network
    hub.close()
    web.close()
    network.close()


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Iterator[Hub]:
    with client(tmp_path) as (found, _network):
        yield found


def run(asked: Awaitable[T]) -> T:
    async def main() -> T:
        return await asked

    return asyncio.run(main())


def refusal(asked: Callable[[], Awaitable[object]]) -> UserError:
    with pytest.raises(UserError) as caught:
        run(asked())
    return caught.value


def found(hub: Hub, words: str = "tiny", count: int = 20) -> tuple[Search, list[str]]:
    async def main() -> tuple[Search, list[str]]:
        search = hub.search(words)
        return search, [row.id for row in await search.more(count)]

    return asyncio.run(main())


def calls(server: HubServer, part: str = "/api/models") -> int:
    return sum(part in request.target for request in server.received["hub"])


# -- search ------------------------------------------------------------------------------------------------------------


def test_a_row_has_its_figures(server: HubServer, hub: Hub) -> None:
    search = hub.search("tiny")
    (row,) = run(search.more())
    assert (row.id, row.downloads, row.likes, row.licence, row.gated) == (REPO, 900, 7, "mit", False)
    assert (row.parameters, row.architecture, row.context_length) == (7_000_000, "llama", 2048)
    assert row.modified == 1702123083.0
    assert search.finished
    assert (search.age, search.problem) == (0.0, None)
    assert calls(server) == 1


def test_only_gguf_repositories_of_the_author_in_the_order_asked_for(server: HubServer, hub: Hub) -> None:
    assert found(hub, "")[1] == [REPO, GATED]
    assert [row.id for row in run(hub.search("", "thebloke").more())] == [REPO]
    assert [row.id for row in run(hub.search("gguf", sort=Sort.LIKES).more())] == [REPO, GATED]
    assert server.received["hub"][-1].query["sort"] == ["likes"]


def many(server: HubServer, count: int = 45) -> None:
    for number in range(count):
        repository = Repository(f"some/Model-{number:03}-GGUF", {}, downloads=1000 - number)
        repository.commit({"m.gguf": b"GGUF"})
        server[repository.id] = repository


def test_pages_come_when_they_are_wanted(server: HubServer, hub: Hub) -> None:
    many(server)

    async def main() -> None:
        search, rows, asked = hub.search("model"), [], []
        while not search.finished:
            rows += [row.id for row in await search.more(20)]
            asked.append(calls(server))
        assert rows == [f"some/Model-{number:03}-GGUF" for number in range(45)]
        assert asked == [1, 2, 3]
        assert await search.more() == ()

    asyncio.run(main())


def test_the_same_search_is_not_asked_twice(server: HubServer, hub: Hub) -> None:
    many(server)
    first = found(hub, "model", 20)[1]
    search, again = found(hub, " model ", 20)
    assert again == first
    assert 0 < search.age < 60
    assert search.problem is None
    assert calls(server) == 1
    assert len(run(search.more(30))) == 25  # goes on where the disk ends, without showing a row twice
    assert search.finished


def test_without_a_network_the_disk_answers_and_says_so(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    before = found(hub)[1]
    age(tmp_path, 3600)
    server.close()
    began = time.monotonic()
    search, rows = found(hub)
    assert rows == before
    assert isinstance(search.problem, NetworkError)
    assert 3500 < search.age < 3700
    assert search.finished
    error = refusal(hub.search("something else").more)
    assert isinstance(error, NetworkError)
    assert "There is no connection" in str(error)
    assert time.monotonic() - began < 3  # huggingface_hub by itself tries for 23 seconds


def age(folder: Path, seconds: float) -> None:
    for path in (folder / "cache").glob("*.json"):
        kept = json.loads(path.read_bytes())
        path.write_text(json.dumps({**kept, "at": kept["at"] - seconds}))


def test_after_an_error_it_goes_on(server: HubServer, hub: Hub) -> None:
    many(server)

    async def main() -> None:
        search = hub.search("model")
        fault = server.misbehave("/api/models", status=503)
        with pytest.raises(HubError, match="status 503"):
            await search.more(20)
        server.behave(fault)
        first = await search.more(20)
        fault = server.misbehave("/api/models", status=500)
        with pytest.raises(HubError):
            await search.more(20)
        server.behave(fault)
        second = await search.more(20)
        assert [row.downloads for row in first + second] == list(range(1000, 960, -1))

    asyncio.run(main())


def test_a_search_that_was_given_up_can_be_asked_again(server: HubServer, hub: Hub) -> None:
    fault = server.misbehave("/api/models", delay_s=1)

    async def main() -> None:
        search = hub.search("tiny")
        task = asyncio.create_task(search.more())
        for _try in range(500):
            await asyncio.sleep(0.01)
            if fault.used:
                break
        task.cancel()
        fault.released.set()
        assert [row.id for row in await search.more()] == [REPO]

    asyncio.run(main())


def test_rows_that_are_not_what_they_should_be_are_left_out(server: HubServer, hub: Hub) -> None:
    rows = [7, None, {"id": "../../etc"}, {"id": REPO, "downloads": "many", "gguf": [1], "tags": {}}, {"id": REPO}, {}]
    server.misbehave("/api/models", body=json.dumps(rows).encode())
    (row,) = run(hub.search("tiny").more())
    assert (row.id, row.downloads) == (REPO, 0)


def test_a_cache_of_another_version_is_passed_over(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    found(hub)
    run(hub.listing(REPO))
    for path in (tmp_path / "cache").glob("*.json"):
        kept = json.loads(path.read_bytes())
        path.write_text(json.dumps({**kept, "value": {"rows": [{"id": "a/b", "stars": 5}], "about": {}}}))
    assert found(hub)[1] == [REPO]
    assert run(hub.listing(REPO)).commit == server[REPO].head


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


def test_a_token_opens_and_goes_to_the_hub_only(server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(refusal(lambda: hub.listing(PRIVATE)), HubError)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert run(hub.listing(PRIVATE)).variants[0].path == "mine.gguf"
    assert run(hub.read(GATED, "main", "locked.Q8_0.gguf", 0, 4)) == b"GGUF"
    assert TOKEN in str(server.received["hub"][-1].headers)
    assert server.received["cdn"]
    assert not any(TOKEN in str(request) for request in server.received["cdn"])
    monkeypatch.delenv("HF_TOKEN")
    assert isinstance(refusal(lambda: hub.listing(PRIVATE)), HubError)  # nor from the disk


def test_a_wrong_token_is_named(server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_a_wrong_one")
    for asked in (lambda: hub.listing(REPO), lambda: hub.search("tiny").more()):
        assert "does not accept your token" in str(refusal(asked))


# -- what goes wrong ---------------------------------------------------------------------------------------------------

BAD = {
    "401": ({"status": 401}, HubError, "not open to everyone"),
    "403": ({"status": 403}, HubError, "not open to everyone"),
    "404": ({"status": 404}, HubError, "not on the Hub"),
    "429": ({"status": 429, "headers": {"Retry-After": "77"}}, HubError, "77 seconds"),
    "500": ({"status": 500}, HubError, "status 500"),
    "503": ({"status": 503, "headers": {"Retry-After": "900"}}, HubError, "status 503"),
    "no json": ({"body": b'{"id": '}, HubError, "not the Hub's"),
    "other json": ({"body": b'"hello"'}, HubError, "not the Hub's"),
    "deep json": ({"body": b"[" * 200_000}, HubError, "not the Hub's"),
    "a hotel's page": ({"body": HTML}, HubError, "not the Hub's"),
    "silence": ({"delay_s": 60.0}, NetworkError, "did not answer in time"),
    "cut": ({"drop_after": 20}, NetworkError, "broke off"),
    "reset": ({"reset_after": 5}, NetworkError, "broke off"),
    "a loop": ({"loop": True}, HubError, "unexpected"),
}


@pytest.mark.parametrize("case", BAD)
def test_every_fault_is_a_sentence_at_once(server: HubServer, tmp_path: Path, case: str) -> None:
    how, kind, words = BAD[case]
    server.misbehave("/api/models", **how)
    with client(tmp_path, patience_s=0.3) as (hub, _network):
        began = time.monotonic()
        error = refusal(lambda: hub.listing(REPO))
        assert isinstance(error, kind), error
        assert words in str(error)
        if case not in ("other json", "401", "403", "404"):  # of a list these say other things
            assert words in str(refusal(hub.search("tiny").more))
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "body",
    [
        *(
            b'[{"type": "file", "path": "a.gguf"}]',
            b'[{"type": "file", "path": "a.gguf", "size": 5, "oid": "", "lfs": 5}]',
        ),
        *(b"[7]", b'{"error": "none"}', b"null"),
    ],
)
def test_a_tree_that_is_none_is_a_sentence(server: HubServer, hub: Hub, body: bytes) -> None:
    server.misbehave("/tree/", body=body)
    assert "not the Hub's" in str(refusal(lambda: hub.listing(REPO)))


def test_a_file_without_a_size_is_left_out(server: HubServer, hub: Hub) -> None:
    rows = [{"type": "file", "path": path, "size": None, "oid": "x"} for path in ("a.gguf", 5)]
    server.misbehave("/tree/", body=json.dumps(rows).encode())
    assert run(hub.listing(REPO)).variants == ()


@pytest.mark.parametrize(
    "change", [{"sha": None}, {"sha": "main"}, {"id": "../x"}, {"id": 5}, {"lastModified": "soon"}]
)
def test_model_info_that_is_none_is_a_sentence(server: HubServer, hub: Hub, change: dict[str, object]) -> None:
    row = {"id": REPO, "sha": "ab" * 20, "lastModified": "2023-12-09T11:58:03.000Z", **change}
    server.misbehave("/revision/", body=json.dumps(row).encode())
    assert "not the Hub's" in str(refusal(lambda: hub.listing(REPO)))


def test_a_trickle_without_end_has_one(server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.services.hub._DEADLINE_S", 0.5)
    server.misbehave("/api/models", piece=1, every_s=0.1)
    began = time.monotonic()
    assert "too long to answer" in str(refusal(lambda: hub.listing(REPO)))
    assert time.monotonic() - began < 2
    server.hang_up()


def test_sealed_asks_nobody(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    with client(tmp_path) as (hub, network):
        network.sealed = True
        for asked in (lambda: hub.listing(REPO), hub.search("tiny").more, lambda: hub.card(REPO, "")):
            error = refusal(asked)
            assert isinstance(error, Sealed)
            assert "Offline" in str(error)
        assert {(c.host, c.refused) for c in network.connections()} == {("hub.example", True)}
        assert hub.starting_points()


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
        found(hub)
        run(hub.listing(REPO))
        reasons = {connection.why for connection in network.connections()}
    assert reasons == {"Searching the Hub", "Looking at a repository of the Hub"} or reasons == {"Searching the Hub"}


def test_the_client_says_nothing_of_this_computer(server: HubServer, hub: Hub) -> None:
    found(hub)
    run(hub.listing(REPO))
    run(hub.card(REPO, ""))
    for request in server.received["hub"]:
        assert request.headers["user-agent"].startswith("Alcove/")
        assert "python" not in str(request.headers).lower()


def test_addresses_of_the_hub_in_use(server: HubServer, hub: Hub) -> None:
    address = f"{server.endpoint}/{REPO}/blob/main/{FILE}"
    assert hub.pasted(address) == Pasted(REPO, FILE)
    assert hub.url(REPO, "ab" * 20, "a b.gguf") == f"{server.endpoint}/{REPO}/resolve/{'ab' * 20}/a%20b.gguf"
