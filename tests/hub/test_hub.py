"""The unmodified client of the Hub talks to ours, and every way of going wrong goes wrong that way."""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download, hf_hub_url, set_client_factory
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import _http

from tests.hub import HTML, HubServer, Repository

BYTES = bytes(range(256)) * 1024
REPO, FILE = "TheBloke/Tiny-GGUF", "tiny.Q4_K_M.gguf"
GATED, PRIVATE = "meta/Locked-GGUF", "me/Mine-GGUF"
TOKEN, OTHER = "hf_good", "hf_other"
DEADLINE_S = 10.0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    on_disk = tmp_path / FILE
    on_disk.write_bytes(BYTES)
    gated = Repository(GATED, {}, gated="manual")
    gated.commit({"locked.Q8_0.gguf": BYTES})
    private = Repository(PRIVATE, {}, private=True)
    private.commit({"mine.gguf": BYTES})
    files: dict[str, bytes | Path] = {
        FILE: on_disk,
        "README.md": b"# Tiny\n",
        "config.json": b"{}",
        "deep/er/x.gguf": b"GGUF",
    }
    repositories: dict[str, Repository | dict[str, bytes | Path]] = {
        REPO: files,
        GATED: gated,
        PRIVATE: private,
        "a/No-GGUF": {"weights.safetensors": b"x"},
    }
    with HubServer(repositories, tokens={TOKEN: (GATED, PRIVATE), OTHER: ()}) as server:
        yield server


@pytest.fixture
def api(hub: HubServer) -> Iterator[HfApi]:
    """The library as it comes, whatever client of ours an earlier test gave it."""
    ours = _http._GLOBAL_CLIENT_FACTORY
    set_client_factory(_http.default_client_factory)
    yield HfApi(endpoint=hub.endpoint, token=False)
    set_client_factory(ours)


@contextmanager
def reading(hub: HubServer, headers: dict[str, str] | None = None, path: str = FILE) -> Iterator[httpx2.Response]:
    url = f"{hub.endpoint}/{REPO}/resolve/main/{path}"
    client = httpx2.Client(follow_redirects=True, timeout=DEADLINE_S)
    with client, client.stream("GET", url, headers=headers) as answer:
        yield answer


def read(hub: HubServer, headers: dict[str, str] | None = None) -> tuple[httpx2.Response, bytes]:
    with reading(hub, headers) as answer:
        return answer, b"".join(answer.iter_raw())


# -- as the Hub does ---------------------------------------------------------------------------------------------------


def test_search_pages_sorts_and_expands(hub: HubServer, api: HfApi) -> None:
    for number in range(5):
        repository = Repository(f"some/Model-{number}-GGUF", {}, downloads=number, gguf={"total": 10 + number})
        repository.commit({"m.gguf": b"GGUF"})
        hub[repository.id] = repository
    hub.hub.search_page = 2
    wanted = ["downloads", "gguf", "sha", "gated"]
    found = list(api.list_models(filter="gguf", search="model gguf", sort="downloads", expand=wanted))  # type: ignore[arg-type]
    assert [m.downloads for m in found] == [4, 3, 2, 1, 0]
    assert found[0].gguf == {"total": 14}
    assert found[0].sha == hub["some/Model-4-GGUF"].head
    assert len(hub.received["hub"]) == 3
    assert {m.id for m in api.list_models(filter="gguf", author="thebloke")} == {REPO}
    assert "a/No-GGUF" not in {m.id for m in api.list_models(filter="gguf")}
    assert PRIVATE not in {m.id for m in api.list_models()}
    with pytest.raises(HfHubHTTPError):
        list(api.list_models(expand=["made up"]))  # type: ignore[list-item]


def test_a_repository_tells_its_commit_and_files(hub: HubServer, api: HfApi) -> None:
    info = api.model_info(REPO)
    assert info.sha == hub[REPO].head
    assert {s.rfilename for s in info.siblings or ()} == {FILE, "README.md", "config.json", "deep/er/x.gguf"}
    before = hub[REPO].head
    after = hub[REPO].commit({"new.gguf": b"GGUF", "config.json": None})
    assert api.model_info(REPO).sha == after
    assert api.model_info(REPO, revision=before).sha == before
    assert "config.json" in {f.path for f in api.list_repo_tree(REPO, revision=before)}
    assert "config.json" not in {f.path for f in api.list_repo_tree(REPO)}


def test_the_tree_pages_and_knows_lfs(hub: HubServer, api: HfApi) -> None:
    hub.hub.tree_page = 2
    rows = {row.path: row for row in api.list_repo_tree(REPO, recursive=True)}
    assert set(rows) == {FILE, "README.md", "config.json", "deep", "deep/er", "deep/er/x.gguf"}
    file, card = rows[FILE], rows["README.md"]
    assert file.lfs.sha256 == hashlib.sha256(BYTES).hexdigest()  # type: ignore[union-attr]
    assert file.size == len(BYTES)  # type: ignore[union-attr]
    assert card.lfs is None  # type: ignore[union-attr]
    assert {row.path for row in api.list_repo_tree(REPO)} == {FILE, "README.md", "config.json", "deep"}
    assert [row.path for row in api.list_repo_tree(REPO, "deep/er")] == ["deep/er/x.gguf"]


def test_the_client_downloads_large_and_small_files(hub: HubServer, tmp_path: Path) -> None:
    for name, content in ((FILE, BYTES), ("README.md", b"# Tiny\n"), ("deep/er/x.gguf", b"GGUF")):
        got = hf_hub_download(REPO, name, endpoint=hub.endpoint, cache_dir=tmp_path / "cache", token=False)
        assert Path(got).read_bytes() == content
    assert hub.sent("cdn") == len(BYTES) + len(b"GGUF")


def test_a_head_tells_size_hash_and_commit(hub: HubServer) -> None:
    told = get_hf_file_metadata(hf_hub_url(REPO, FILE, endpoint=hub.endpoint), token=False)
    assert (told.size, told.etag) == (len(BYTES), hashlib.sha256(BYTES).hexdigest())
    assert told.commit_hash == hub[REPO].head
    assert told.location.startswith(hub.cdn + "/")
    assert not hub.received["cdn"]


def test_what_is_not_there_is_named(hub: HubServer, api: HfApi) -> None:
    with pytest.raises(RepositoryNotFoundError) as unknown:
        api.model_info("nobody/nothing")
    assert unknown.value.response.status_code == 401  # for who is nobody
    with pytest.raises(RepositoryNotFoundError) as unknown:
        api.model_info("nobody/nothing", token=OTHER)
    assert unknown.value.response.status_code == 404
    with pytest.raises(RevisionNotFoundError):
        api.model_info(REPO, revision="v2")
    with pytest.raises(RemoteEntryNotFoundError):
        get_hf_file_metadata(hf_hub_url(REPO, "no.gguf", endpoint=hub.endpoint), token=False)
    with pytest.raises(HfHubHTTPError):
        api.whoami(token="hf_wrong")
    assert api.whoami(token=TOKEN)["name"] == "tester"


def test_gates_open_by_token(hub: HubServer, api: HfApi) -> None:
    assert api.model_info(GATED).gated == "manual"
    url = hf_hub_url(GATED, "locked.Q8_0.gguf", endpoint=hub.endpoint)
    for token, status in ((False, 401), (OTHER, 403)):
        with pytest.raises(GatedRepoError) as refused:
            get_hf_file_metadata(url, token=token)
        assert refused.value.response.status_code == status
        with pytest.raises(GatedRepoError):
            api.auth_check(GATED, token=token)
    api.auth_check(GATED, token=TOKEN)
    assert get_hf_file_metadata(url, token=TOKEN).size == len(BYTES)
    assert api.model_info(PRIVATE, token=TOKEN).private


def test_a_moved_repository_is_followed(hub: HubServer, api: HfApi, tmp_path: Path) -> None:
    hub.hub.moved["Old/Tiny-GGUF"] = REPO
    assert api.model_info("Old/Tiny-GGUF").id == REPO
    got = hf_hub_download("Old/Tiny-GGUF", FILE, endpoint=hub.endpoint, cache_dir=tmp_path / "cache", token=False)
    assert Path(got).read_bytes() == BYTES


def test_ranges(hub: HubServer) -> None:
    etag = read(hub)[0].headers["etag"]
    for asked, wanted in (("0-9", BYTES[:10]), ("1000-", BYTES[1000:]), ("-5", BYTES[-5:])):
        answer, body = read(hub, {"Range": f"bytes={asked}", "If-Range": etag})
        assert (answer.status_code, body) == (206, wanted)
    assert answer.headers["content-range"] == f"bytes {len(BYTES) - 5}-{len(BYTES) - 1}/{len(BYTES)}"
    assert read(hub, {"Range": "bytes=5-", "If-Range": '"another"'})[0].status_code == 200
    beyond = read(hub, {"Range": f"bytes={len(BYTES)}-"})[0]
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(BYTES)}")


def test_a_connection_serves_many_requests_and_all_are_kept(hub: HubServer) -> None:
    connection = http.client.HTTPConnection(urlsplit(hub.endpoint).netloc, timeout=DEADLINE_S)
    for _ in range(3):
        connection.request("GET", f"/api/models/{REPO}", headers={"Authorization": f"Bearer {TOKEN}"})
        body = connection.getresponse().read()
    connection.close()
    assert [(r.method, r.path, r.token, r.sent) for r in hub.received["hub"]] == [
        ("GET", f"/api/models/{REPO}", TOKEN, len(body))
    ] * 3


def test_the_end_of_the_server_ends_what_stalls(hub: HubServer) -> None:
    hub.misbehave(FILE, on="cdn", stall_after=10)
    with reading(hub) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == BYTES[:10]
        began = time.monotonic()
        hub.close()
        assert time.monotonic() - began < DEADLINE_S
        with pytest.raises(httpx2.TransportError):
            next(pieces)


# -- as it should not --------------------------------------------------------------------------------------------------


def test_a_drop_and_a_reset_end_the_body(hub: HubServer) -> None:
    hub.misbehave(FILE, on="cdn", times=1, drop_after=1000)
    hub.misbehave(FILE, on="cdn", times=1, reset_after=0)
    with pytest.raises(httpx2.RemoteProtocolError):
        read(hub)
    with pytest.raises(httpx2.TransportError):
        read(hub)
    assert read(hub)[1] == BYTES
    assert [r.sent for r in hub.received["cdn"]] == [1000, 0, len(BYTES)]


def test_a_stall_goes_on_when_it_is_released(hub: HubServer) -> None:
    fault = hub.misbehave(FILE, on="cdn", stall_after=100)
    with reading(hub) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == BYTES[:100]
        hub.behave(fault)
        assert b"".join(pieces) == BYTES[100:]


def test_a_trickle_takes_its_time(hub: HubServer) -> None:
    hub.misbehave("README", on="hub", piece=1, every_s=0.01)
    began = time.monotonic()
    with reading(hub, path="README.md") as answer:
        assert answer.read() == b"# Tiny\n"
    assert time.monotonic() - began > 0.05


@pytest.mark.parametrize("how", [{"short_by": 10}, {"length_off": 10}])
def test_a_body_shorter_than_said(hub: HubServer, how: dict[str, int]) -> None:
    hub.misbehave(FILE, on="cdn", **how)
    with pytest.raises(httpx2.RemoteProtocolError):
        read(hub)


def test_bodies_that_are_wrong(hub: HubServer) -> None:
    hub.misbehave(FILE, on="cdn", times=1, extra=b"more")
    hub.misbehave(FILE, on="cdn", times=1, corrupt_at=70000)
    hub.misbehave(FILE, on="cdn", times=1, gzipped=True)
    assert read(hub)[1] == BYTES + b"more"
    wrong = read(hub)[1]
    assert [at for at, (a, b) in enumerate(zip(wrong, BYTES, strict=True)) if a != b] == [70000]
    with reading(hub) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.read() == BYTES
    hub[REPO].rewrite(FILE, b"other bytes")
    assert read(hub)[1] == b"other bytes"


def test_ranges_that_lie(hub: HubServer) -> None:
    hub.misbehave(FILE, on="cdn", times=1, ignore_range=True)
    hub.misbehave(FILE, on="cdn", times=1, headers={"Content-Range": "bytes 0-9/10"})
    hub.misbehave(FILE, on="cdn", times=1, status=416)
    hub.misbehave(FILE, on="cdn", times=1, etag='"changed"')
    asked = {"Range": "bytes=100-"}
    assert read(hub, asked)[0].status_code == 200
    assert read(hub, asked)[0].headers["content-range"] == "bytes 0-9/10"
    assert read(hub, asked)[0].status_code == 416
    assert read(hub, asked)[0].headers["etag"] == '"changed"'
    assert read(hub, asked)[1] == BYTES[100:]


def test_answers_that_are_none(hub: HubServer, api: HfApi) -> None:
    url = f"{hub.endpoint}/api/models/{REPO}"
    hub.misbehave("/api/models", times=1, status=429, headers={"Retry-After": "7"})
    hub.misbehave("/api/models", times=1, status=503)
    hub.misbehave("/api/models", times=1, body=HTML)
    hub.misbehave("/api/models", times=1, body=b'{"id": ')
    hub.misbehave("/api/models", times=1, delay_s=0.05, slow_headers_s=0.01)
    busy = httpx2.get(url)
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    assert httpx2.get(url).status_code == 503
    assert "html" in httpx2.get(url).headers["content-type"]
    with pytest.raises(ValueError, match="Expecting value"):
        api.model_info(REPO)
    assert api.model_info(REPO).id == REPO


def test_redirects_that_lead_nowhere_or_elsewhere(hub: HubServer) -> None:
    loop = hub.misbehave(FILE, on="hub", loop=True)
    with pytest.raises(httpx2.TooManyRedirects):
        read(hub)
    hub.behave(loop)
    with HubServer({}) as elsewhere:
        hub.misbehave(FILE, on="hub", times=1, location=elsewhere.endpoint + "/api/models")
        assert read(hub)[1] == b"[]"
        assert elsewhere.received["hub"][0].path == "/api/models"


def test_a_signature_expires(hub: HubServer) -> None:
    url = httpx2.get(f"{hub.endpoint}/{REPO}/resolve/main/{FILE}").headers["location"]
    assert httpx2.get(url).content == BYTES
    assert httpx2.get(url.replace("Signature=", "Signature=0")).status_code == 403
    hub.expire_signatures()
    assert httpx2.get(url).status_code == 403
    assert read(hub)[1] == BYTES


def test_a_fault_passes_over_the_first_and_lasts_as_long_as_it_should(hub: HubServer) -> None:
    fault = hub.misbehave("/api/models", skip=1, times=2, status=500)
    url = f"{hub.endpoint}/api/models"
    assert [httpx2.get(url).status_code for _ in range(4)] == [200, 500, 500, 200]
    assert fault.used == 2
