"""HTTP for the whole program: one way of making clients, which huggingface_hub is made to use, too.

Invariants, kept at one place for every request and every hop of a redirect: the token goes to the Hub's own origin
only, and over TLS unless the Hub is on this computer; nothing but loopback and a Hub the person chose is asked without
TLS; certificates are those the system trusts, always checked; a sealed network is not asked at all, on an open
connection neither. Bytes are counted for the list of connections. What is done with the answers is the callers'.
httpx2 is imported where it is used: the window's start, and most commands, ask for nothing.
"""

from __future__ import annotations

import logging
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from weakref import WeakSet

from desktop import __version__
from desktop.core.errors import N_, HubError
from desktop.core.repos import HUB
from desktop.engine.seal import Refused
from desktop.services.online.faults import UNSAFE, Unsafe, refused, told
from desktop.services.online.network import Network, is_loopback

if TYPE_CHECKING:
    import httpx2

PATIENCE_S = 20.0  # without a byte for so long, a connection is given up
_REDIRECTS = 8
logging.getLogger("httpx2").setLevel(logging.WARNING)  # its lines hold signed addresses


class Bearer(Protocol):
    """Who has the token for the Hub: `services.online.tokens`."""

    def get(self) -> str | None: ...


class Line:
    """The connections of one transfer, so that another thread can end them while a read waits."""

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._guard = threading.RLock()
        self._cut = False

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """httpcore2's `trace` extension: every connection that is made passes here."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete", "stream.start_tls.complete"):
            stream = info["return_value"]
            found = stream.get_extra_info("socket") if hasattr(stream, "get_extra_info") else None
            with self._guard:
                if isinstance(found, socket.socket):
                    self._sockets.add(found)
                if self._cut:
                    self.cut()

    def cut(self) -> None:
        """Ends them at once. For good: a transfer that goes on takes a new line."""
        with self._guard:
            self._cut = True
            for one in self._sockets:
                with suppress(OSError):
                    socket.socket.shutdown(one, socket.SHUT_RDWR)  # not SSLSocket's own, which would unwrap a reader's


class Web:
    """Makes HTTP clients. Everything blocks and belongs into threads; `close` ends them all."""

    def __init__(self, network: Network, tokens: Bearer, patience_s: float = PATIENCE_S) -> None:
        self.network = network
        self.patience_s = patience_s
        self._tokens = tokens
        self._guard = threading.Lock()
        self._tls: ssl.SSLContext | None = None
        self._shared: httpx2.Client | None = None
        self._installed = False
        self._all = Line()  # connections that are no transfer's own
        network.when_sealed(self._end_all)

    @property
    def endpoint(self) -> str:
        """Where the Hub is: `HF_ENDPOINT` moves it."""
        return os.environ.get("HF_ENDPOINT", "").rstrip("/") or HUB

    def install(self) -> None:
        """Makes huggingface_hub ask through these clients only, and say nothing about itself."""
        os.environ.update(HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_IMPLICIT_TOKEN="1")
        from huggingface_hub import constants, set_client_factory

        from desktop.services.online.wire import Once

        constants.HF_HUB_DISABLE_XET = True  # read from the environment when it was imported, perhaps before
        constants.HF_HUB_DISABLE_TELEMETRY = True
        set_client_factory(lambda: self.client(follow_redirects=True, kind=Once))
        self._installed = True

    def client(self, follow_redirects: bool = False, kind: type[httpx2.Client] | None = None) -> httpx2.Client:
        """A client with connections of its own: the system's certificates and proxies, our rules on every request."""
        import httpx2

        with self._guard:
            if self._tls is None:
                self._tls = httpx2.create_ssl_context()
        return (kind or httpx2.Client)(
            verify=self._tls,
            headers={"User-Agent": f"Alcove/{__version__}"},
            timeout=httpx2.Timeout(self.patience_s, pool=None),
            follow_redirects=follow_redirects,
            max_redirects=_REDIRECTS,
            event_hooks={"request": [self._permit], "response": [self._count]},
        )

    @contextmanager
    def get(
        self, url: str, headers: Mapping[str, str] | None = None, line: Line | None = None
    ) -> Iterator[httpx2.Response]:
        """Asks for `url`, redirects followed; the answer, whatever its status, with its body still to be read.

        With a `line` the connections are its own. Raises httpx2's errors: `faults.told` makes sentences of them.
        """
        import httpx2

        sent = {"Accept-Encoding": "identity", **(headers or {})}
        if self._is_hub(httpx2.URL(url)) and (token := self._tokens.get()):
            sent["Authorization"] = f"Bearer {token}"
        if line is None:
            with self._of_all().stream("GET", url, headers=sent, follow_redirects=True) as response:
                yield response
            return
        extensions = {"trace": line.trace}
        with (
            self.client() as client,
            client.stream("GET", url, headers=sent, extensions=extensions, follow_redirects=True) as response,
        ):
            yield response

    def read(self, url: str, start: int, stop: int, repo: str = "") -> bytes:
        """The bytes of `url` from `start` up to `stop`, or up to its end. Raises `NetworkError`, `HubError`."""
        with told(repo), self.get(url, {"Range": f"bytes={start}-{stop - 1}"}) as response:
            if response.status_code == 416:
                return b""
            if response.status_code not in (200, 206):
                raise refused(response, repo)
            skip = start if response.status_code == 200 else 0
            if response.status_code == 206 and not response.headers.get("Content-Range", "").startswith(
                f"bytes {start}-"
            ):
                raise HubError(
                    N_("{host} answered with other bytes than it was asked for. Try again later."),
                    host=response.url.host,
                )
            gathered = bytearray()
            for piece in response.iter_bytes():
                gathered += piece[skip:]
                skip = max(0, skip - len(piece))
                if len(gathered) >= stop - start:
                    break
            return bytes(gathered[: stop - start])

    def close(self) -> None:
        """Ends the shared connections, those that a thread waits for, too."""
        self._end_all(loopback=True)
        with self._guard:
            shared, self._shared = self._shared, None
        if shared is not None:
            shared.close()
        if self._installed:
            from huggingface_hub import close_session

            close_session()

    def _end_all(self, loopback: bool = False) -> None:
        """Ends what is open, also where a thread waits for it; a mirror on this computer only if that is asked for."""
        local = False
        with suppress(ValueError):  # a mistyped HF_ENDPOINT does not keep the seal from closing
            local = is_loopback(urlsplit(self.endpoint).hostname or "")
        if loopback or not local:
            with self._guard:
                line, self._all = self._all, Line()
            line.cut()

    def _of_all(self) -> httpx2.Client:
        if self._shared is None:
            made = self.client()
            with self._guard:
                self._shared = self._shared or made
        return self._shared

    def _is_hub(self, url: httpx2.URL) -> bool:
        import httpx2

        return url.origin == httpx2.URL(self.endpoint).origin

    def _permit(self, request: httpx2.Request) -> None:
        """Every request passes here before it is sent, and so does every hop of a redirect."""
        import httpx2

        url, local = request.url, is_loopback(request.url.host)
        if self.network.sealed and not local:
            self.network.heard(url.host, url.port or (443 if url.scheme == "https" else 80), -1, outward=True)
            raise httpx2.ConnectError("sealed", request=request) from Refused()
        if url.scheme != "https" and not local and not self._is_hub(url):
            raise Unsafe(UNSAFE, host=url.host)
        if not self._is_hub(url) or (url.scheme != "https" and not local):
            request.headers.pop("Authorization", None)
        request.extensions.setdefault("trace", self._all.trace)

    def _count(self, response: httpx2.Response) -> None:
        """Counts what was sent, and lets what comes be counted as it passes."""
        from desktop.services.online.wire import Counted

        stream = response.extensions.get("network_stream")
        found = stream.get_extra_info("socket") if stream is not None else None
        handle = found.fileno() if isinstance(found, socket.socket) else -1
        request = response.request
        asked = len(request.method) + len(request.url.raw_path) + 12 + _length(request.headers)
        came = 15 + len(response.reason_phrase) + _length(response.headers)
        body = int(request.headers.get("Content-Length", 0))
        self.network.count(handle, asked + body, came, request.url.raw_host.decode("ascii"))
        response.stream = Counted(response.stream, self.network, handle)


def _length(headers: httpx2.Headers) -> int:
    """Bytes of these lines as HTTP/1.1 sends them."""
    return sum(len(name) + len(value) + 4 for name, value in headers.raw) + 2
