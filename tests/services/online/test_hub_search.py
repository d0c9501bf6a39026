"""Searching the Hub: page by page, seldom, and from the disk where there is no network."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.core.errors import HubError, NetworkError
from desktop.services.online.hub import Hub, Search, Sort
from tests.hub import HubServer, Repository
from tests.services.hub_driver import GATED, REPO, age, calls, client, refusal, run, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serving(monkeypatch) as found:
        yield found


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Iterator[Hub]:
    with client(tmp_path) as (found, _network):
        yield found


def found(hub: Hub, words: str = "tiny", count: int = 20) -> tuple[Search, list[str]]:
    async def main() -> tuple[Search, list[str]]:
        search = hub.search(words)
        return search, [row.id for row in await search.more(count)]

    return asyncio.run(main())


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


@pytest.mark.parametrize("body", [b"[1, 2, null, {}]", b'[{"id": "../x"}]'])
def test_a_list_of_other_things_is_not_an_empty_one(server: HubServer, hub: Hub, body: bytes) -> None:
    server.misbehave("/api/models", body=body)
    assert "not the Hub's" in str(refusal(hub.search("tiny").more))


@pytest.mark.parametrize(("status", "says"), [(403, "does not let Alcove"), (404, "does not have it")])
def test_a_refused_search_names_no_repository(server: HubServer, hub: Hub, status: int, says: str) -> None:
    server.misbehave("/api/models", status=status)
    assert f"127.0.0.1 {says}" in str(refusal(hub.search("tiny").more))


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
