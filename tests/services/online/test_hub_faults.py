"""A Hub that is down, busy, slow or lying is a sentence, at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.core.errors import HubError, NetworkError, Sealed
from desktop.services.online.hub import Hub
from tests.hub import HTML, HubServer
from tests.services.hub_driver import REPO, client, refusal, run, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with serving(monkeypatch) as found:
        yield found


@pytest.fixture
def hub(server: HubServer, tmp_path: Path) -> Iterator[Hub]:
    with client(tmp_path) as (found, _network):
        yield found


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
    with client(tmp_path, patience_s=0.3) as (hub, _network):
        if case not in ("other json", "401", "403", "404"):  # of a list these say other things
            assert words in str(refusal(hub.search("tiny").more))
        assert time.monotonic() - began < 5


def test_a_pause_the_hub_asks_for_is_kept(server: HubServer, hub: Hub) -> None:
    fault = server.misbehave("/api/models", status=429, headers={"Retry-After": "1"})
    assert "1 seconds" in str(refusal(lambda: hub.listing(REPO)))
    server.behave(fault)
    for asked in (lambda: hub.listing(REPO), hub.search("tiny").more, lambda: hub.read(REPO, "", "x.gguf", 0, 1)):
        assert "asks for a pause" in str(refusal(asked))
    assert len(server.received["hub"]) == 1
    time.sleep(1.05)
    assert run(hub.listing(REPO)).variants


def test_another_error_does_not_end_the_pause(server: HubServer, hub: Hub) -> None:
    """Two that were under way at once: one is told to wait, the other that it asked for nothing there is."""
    with pytest.raises(HubError), hub.asking():
        with pytest.raises(HubError), hub.asking():
            raise HubError("busy", seconds=30.0)
        raise HubError("gone")
    assert "asks for a pause" in str(refusal(lambda: hub.listing(REPO)))
    assert server.received["hub"] == []


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


def test_a_trickle_without_end_has_one(server: HubServer, tmp_path: Path) -> None:
    server.misbehave("/api/models", piece=1, every_s=0.1)
    with client(tmp_path, deadline_s=0.5) as (hub, _network):
        began = time.monotonic()
        assert "too long to answer" in str(refusal(lambda: hub.listing(REPO)))
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "address", ["nonsense", "ftp://a.example", "https://[::1", "http://a b", "https://h.example:99999"]
)
def test_an_address_that_is_none_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    with client(tmp_path) as (hub, network):
        network.sealed = True  # the last would be looked up
        for asked in (hub.search("tiny").more, lambda: hub.listing(REPO), lambda: hub.read(REPO, "", "x.gguf", 0, 1)):
            error = refusal(asked)
            assert isinstance(error, NetworkError) or address in str(error)


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
