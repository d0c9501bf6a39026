"""Requests over real sockets: where the token goes, what is refused, what is counted, what is said when it fails."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2
import pytest

from desktop.core.errors import GatedError, HubError, NetworkError, Sealed, UserError
from desktop.services.online.faults import Unsafe, refused, retry_after, sentence, told
from desktop.services.online.network import Network
from desktop.services.online.web import Line, Web
from tests.hub import HubServer, Repository

REPO, FILE, GATED = "TheBloke/Tiny-GGUF", "tiny.Q4_K_M.gguf", "meta/Locked-GGUF"
BYTES = bytes(range(256)) * 300
TOKEN = "hf_good"
CERTIFICATE = Path(__file__).with_name("loopback.pem")  # made for these tests, with its key


class Purse:
    def __init__(self, token: str | None = TOKEN) -> None:
        self.token = token

    def get(self) -> str | None:
        return self.token


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    gated = Repository(GATED, {}, gated="manual")
    gated.commit({"locked.gguf": BYTES})
    with HubServer({REPO: {FILE: BYTES}, GATED: gated}, tokens={TOKEN: ()}) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def web() -> Iterator[Web]:
    network = Network()
    made = Web(network, Purse(), patience_s=1.0)
    yield made
    made.close()
    network.close()


def url(hub: HubServer, repo: str = REPO, path: str = FILE) -> str:
    return f"{hub.endpoint}/{repo}/resolve/main/{path}"


def failing(web: Web, address: str) -> UserError:
    with pytest.raises(UserError) as caught, told(), web.get(address):
        pass
    return caught.value


def test_the_token_reaches_the_hub_and_nobody_else(hub: HubServer, web: Web) -> None:
    assert web.read(url(hub), 0, 10) == BYTES[:10]
    assert [request.token for request in hub.received["hub"]] == [TOKEN]
    assert len(hub.received["cdn"]) == 1
    assert all("authorization" not in request.headers for request in hub.received["cdn"])
    assert all(TOKEN not in str(request) for request in hub.received["cdn"])


def test_a_redirect_back_to_the_hub_does_not_get_the_token_again(hub: HubServer, web: Web) -> None:
    hub.misbehave(on="cdn", location=f"{hub.endpoint}/api/models/{REPO}")
    with web.get(url(hub)) as response:
        response.read()
    assert [request.token for request in hub.received["hub"]] == [TOKEN, ""]


def test_a_client_of_the_hubs_library_cannot_carry_the_token_elsewhere(hub: HubServer, web: Web) -> None:
    """A page of results may name any address as the next one, and the library sends its headers there."""
    with web.client(follow_redirects=True) as client:
        client.get(f"{hub.cdn}/anything", headers={"Authorization": f"Bearer {TOKEN}"})
        client.get(f"{hub.endpoint}/api/models", headers={"Authorization": f"Bearer {TOKEN}"})
    assert hub.received["cdn"][0].token == ""
    assert hub.received["hub"][0].token == TOKEN


def test_the_token_never_goes_over_the_air_without_encryption(monkeypatch: pytest.MonkeyPatch, web: Web) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    request = httpx2.Request("GET", "http://mirror.example/x", headers={"Authorization": "Bearer hf_good"})
    web._permit(request)
    assert "authorization" not in request.headers


def test_without_a_token_none_is_sent(hub: HubServer) -> None:
    network = Network()
    web = Web(network, Purse(None))
    web.read(url(hub), 0, 1)
    assert hub.received["hub"][0].token == ""
    web.close()
    network.close()


def test_leaving_encryption_is_refused(web: Web) -> None:
    assert isinstance(failing(web, "http://example.org/file.gguf"), Unsafe)
    assert web.network.connections() == []


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (100, 200), (len(BYTES) - 5, len(BYTES) + 50)])
def test_a_range_is_read(hub: HubServer, web: Web, start: int, stop: int) -> None:
    assert web.read(url(hub), start, stop) == BYTES[start:stop]
    assert hub.sent() <= stop - start


def test_a_range_beyond_the_end_is_empty(hub: HubServer, web: Web) -> None:
    assert web.read(url(hub), len(BYTES), len(BYTES) + 10) == b""


def test_a_server_that_ignores_the_range_is_read_up_to_it(hub: HubServer, web: Web) -> None:
    hub.misbehave(on="cdn", ignore_range=True)
    assert web.read(url(hub), 70_000, 70_010) == BYTES[70_000:70_010]


def test_a_range_that_is_another_is_not_taken(hub: HubServer, web: Web) -> None:
    hub.misbehave(on="cdn", headers={"Content-Range": f"bytes 7-16/{len(BYTES)}"})
    with pytest.raises(HubError):
        web.read(url(hub), 0, 10)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ({"status": 503}, HubError, "503"),
        ({"status": 429, "headers": {"Retry-After": "7"}}, HubError, "7 seconds"),
        ({"status": 404}, HubError, "“TheBloke/Tiny-GGUF” is not on the Hub"),
        ({"status": 418}, HubError, "418"),
        ({"drop_after": 3}, NetworkError, "broke off"),
        ({"reset_after": 3}, NetworkError, "broke off"),
        ({"stall_after": 3, "stall_s": 3.0}, NetworkError, "in time"),
        ({"loop": True}, HubError, "unexpected"),
    ],
)
def test_each_fault_has_a_sentence(
    hub: HubServer, web: Web, fault: dict[str, object], kind: type[UserError], says: str
) -> None:
    hub.misbehave(FILE, **fault)
    with pytest.raises(kind, match=says) as caught:
        web.read(url(hub), 0, 1000, REPO)
    assert "{" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "says"), [(401, "does not let Alcove"), (403, "does not let Alcove"), (404, "does not have it")]
)
@pytest.mark.parametrize("repo", ["", "127.0.0.1"])  # a search; a file of another host
def test_what_is_no_repository_is_not_called_one(hub: HubServer, web: Web, repo: str, status: int, says: str) -> None:
    hub.misbehave(FILE, status=status)
    with pytest.raises(HubError, match=rf"127\.0\.0\.1 {says}.* \(status {status}\)"):
        web.read(url(hub), 0, 10, repo)


def test_a_variable_that_holds_no_token_is_named(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "two words")
    network = Network()
    for token, says in ((None, "HF_TOKEN holds is none"), ("hf_bad_one", "does not accept your token")):
        web = Web(network, Purse(token))
        with pytest.raises(HubError, match=says) as caught:
            web.read(url(hub, GATED, "locked.gguf"), 0, 10, GATED)
        assert isinstance(caught.value, GatedError) is (token is None)
        web.close()
    network.close()


def test_a_gated_repository_says_where_to_go(hub: HubServer, web: Web) -> None:
    with pytest.raises(GatedError) as caught:
        web.read(url(hub, GATED, "locked.gguf"), 0, 10, GATED)
    assert caught.value.fields == {"repo": GATED, "url": f"{hub.endpoint}/{GATED}"}


def test_a_dead_server_and_a_name_that_is_none(web: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert "no connection to 127.0.0.1" in str(failing(web, f"https://127.0.0.1:{port}"))
    assert "no connection" in str(failing(web, "https://nowhere.invalid/"))


def test_a_sealed_network_is_said_to_be_sealed(web: Web) -> None:
    web.network.sealed = True
    assert isinstance(failing(web, "https://huggingface.co/x"), Sealed)
    assert [(c.host, c.port, c.refused) for c in web.network.connections()] == [("huggingface.co", 443, True)]


@pytest.mark.parametrize(("address", "port"), [("http://10.1.2.3", 80), ("http://10.1.2.3:8080", 8080)])
def test_a_refusal_is_listed_with_its_port(web: Web, monkeypatch: pytest.MonkeyPatch, address: str, port: int) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    web.network.sealed = True
    failing(web, f"{address}/x")
    assert [(c.host, c.port) for c in web.network.connections()] == [("10.1.2.3", port)]


def test_an_open_connection_is_sealed_too(hub: HubServer, web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = hub.endpoint.replace("127.0.0.1", "127.1")  # leads here, and is no loopback address to the rule
    monkeypatch.setenv("HF_ENDPOINT", foreign)
    web.read(f"{foreign}/{REPO}/resolve/main/{FILE}", 0, 1)
    web.network.sealed = True
    with pytest.raises(Sealed):
        web.read(f"{foreign}/{REPO}/resolve/main/{FILE}", 0, 1)
    assert len(hub.received["hub"]) == 1


def test_a_read_that_waits_is_ended_by_the_seal(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", hub.endpoint.replace("127.0.0.1", "127.1"))
    hub.misbehave(FILE, on="cdn", stall_after=100)
    network = Network()
    web, begun = Web(network, Purse()), time.monotonic()
    threading.Timer(0.3, lambda: setattr(network, "sealed", True)).start()
    with pytest.raises(NetworkError):
        web.read(f"{web.endpoint}/{REPO}/resolve/main/{FILE}", 0, 1000)
    assert time.monotonic() - begun < 5
    web.close()
    network.close()


def test_a_hook_that_refuses_is_understood(monkeypatch: pytest.MonkeyPatch, web: Web) -> None:
    """The switch may be thrown between our look at it and the socket's."""
    other = Network(sealed=True)
    monkeypatch.setenv("HF_ENDPOINT", "https://huggingface.co")
    assert isinstance(failing(web, "https://huggingface.co/x"), Sealed)
    other.close()


def test_bytes_are_counted(hub: HubServer, web: Web) -> None:
    with web.network.purpose("Card"):
        web.read(url(hub), 0, 50_000)
    cdn, asked = web.network.connections()
    assert 50_000 < cdn.received < 51_000
    assert 100 < cdn.sent < 1_000
    assert 100 < asked.received < 2_000
    assert {cdn.why, asked.why} == {"Card"}


def test_a_line_is_cut_while_a_read_waits(hub: HubServer) -> None:
    hub.misbehave(on="cdn", stall_after=1_000)
    network = Network()
    web, line, begun = Web(network, Purse()), Line(), time.monotonic()
    threading.Timer(0.2, line.cut).start()
    with pytest.raises(httpx2.HTTPError), web.get(url(hub), line=line) as response:
        response.read()
    assert time.monotonic() - begun < 2
    with pytest.raises(httpx2.HTTPError), web.get(url(hub), line=line) as response:
        response.read()  # and it stays cut
    network.close()


@contextmanager
def encrypted(said: bytes) -> Iterator[str]:
    """A server that says this over TLS, and then nothing; its certificate is signed by itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            visitor, _ = server.accept()
            with visitor, suppress(OSError), context.wrap_socket(visitor, server_side=True) as wrapped:
                wrapped.recv(4096)
                wrapped.sendall(said)
                wrapped.recv(1)  # until the visitor leaves

        talking = threading.Thread(target=talk)
        talking.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}/file"
        talking.join()


def test_an_untrusted_certificate_is_said(web: Web) -> None:
    with encrypted(b"") as address:
        said = failing(web, address)
    assert isinstance(said, NetworkError)
    assert "certificate of 127.0.0.1 is not trusted" in str(said)


def test_an_encrypted_line_is_cut_while_a_read_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what was on the wire is not taken for content."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    network, line = Network(), Line()
    web, begun, got = Web(network, Purse()), time.monotonic(), b""
    threading.Timer(0.3, line.cut).start()
    with (
        encrypted(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello") as address,
        pytest.raises(httpx2.HTTPError),
        web.get(address, line=line) as response,
    ):
        for piece in response.iter_bytes():
            got += piece
    assert got == b"hello"
    assert time.monotonic() - begun < 5
    network.close()


def test_a_proxy_of_the_system_is_used(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        heard: list[bytes] = []

        def refuse() -> None:
            visitor, _ = proxy.accept()
            with visitor:
                heard.append(visitor.recv(4096))
                visitor.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

        refusing = threading.Thread(target=refuse)
        refusing.start()
        said = failing(web, "https://huggingface.co/x")
        refusing.join()
    assert heard[0].startswith(b"CONNECT huggingface.co:443")
    assert "proxy did not let Alcove through to huggingface.co" in str(said)


def test_the_list_names_whom_a_proxy_was_asked_for(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")

        def answer() -> None:
            visitor, _ = proxy.accept()
            with visitor:
                visitor.recv(4096)
                visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

        answering = threading.Thread(target=answer)
        answering.start()
        assert web.read("http://mirror.example/x", 0, 2) == b"ok"
        answering.join()
    assert [(c.host, c.via) for c in web.network.connections()] == [("mirror.example", "127.1")]


def test_the_hubs_library_asks_through_us(hub: HubServer, web: Web) -> None:
    from huggingface_hub import HfApi, constants

    web.install()
    with web.network.purpose("Search"):
        assert [m.id for m in HfApi(hub.endpoint, token=False).list_models(author="TheBloke")] == [REPO]
    assert [c.why for c in web.network.connections()] == ["Search"]
    assert hub.received["hub"][0].headers["user-agent"]
    assert constants.HF_HUB_DISABLE_XET


def test_who_asks_for_nothing_does_not_wait_for_the_libraries_that_would(tmp_path: Path) -> None:
    program = (
        "import asyncio, pathlib, sys\n"
        "from desktop.assembly import Assembly; from desktop.services.paths import Paths\n"
        "async def main():\n"
        f"    async with Assembly.opened(Paths(pathlib.Path({str(tmp_path)!r}))): pass\n"
        "asyncio.run(main()); print({'httpx2', 'huggingface_hub', 'keyring'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()", done.stderr


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("999999", 3600.0),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": said}, now=1_445_412_480.0) == seconds
    assert retry_after({}, now=0.0) is None


def test_the_hub_says_when_its_window_ends() -> None:
    assert retry_after({"ratelimit": '"resolvers";r=0;t=55', "retry-after": "1"}, now=0.0) == 55
    assert retry_after({"ratelimit": '"api";r=12;t=55'}, now=0.0) is None


def test_an_error_without_a_request_is_said_too() -> None:
    unknown = sentence(OSError("boom"))  # of no host: a sentence of its own, without a word that nobody translates
    assert str(unknown).startswith("The connection failed.")
    assert not unknown.fields
    response = httpx2.Response(403, request=httpx2.Request("GET", "https://huggingface.co/a/b"))
    assert "not open to everyone" in str(refused(response, "a/b"))
