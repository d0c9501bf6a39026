"""`HubServer`: a Hub on this computer, and a CDN on a port of its own, that can be told to misbehave.

    with HubServer({"TheBloke/Tiny-GGUF": {"tiny.Q4_K_M.gguf": path}}) as hub:
        environment["HF_ENDPOINT"] = hub.endpoint
        fault = hub.misbehave("Q4_K_M", on="cdn", times=2, drop_after=1000)

Invariant: both listen on 127.0.0.1 only; `received` has every request in the order of its arrival, before the answer
is sent. It is a real server in threads: what is asked of it comes over real sockets.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.hub.answers import Hub
from tests.hub.contents import Content, Repository
from tests.hub.faults import Fault
from tests.hub.wire import Listener, Received, Wire

_WELL = Fault()


class HubServer:
    """Serves from the moment it is made; a context manager, or `close()`."""

    def __init__(
        self,
        repositories: Mapping[str, Mapping[str, bytes | Path] | Repository],
        *,
        tokens: Mapping[str, Collection[str]] | None = None,
        port: int = 0,
        send_buffer: int = 0,
    ) -> None:
        held = {name: _repository(name, given) for name, given in repositories.items()}
        self.hub = Hub(held, tokens or {})
        self.received: dict[str, list[Received]] = {"hub": [], "cdn": []}
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._hub = Listener(lambda asked, wire: self._serve("hub", asked, wire), port, send_buffer)
        self._cdn = Listener(lambda asked, wire: self._serve("cdn", asked, wire), 0, send_buffer)
        self.endpoint = self.hub.endpoint = f"http://127.0.0.1:{self._hub.port}"
        self.cdn = self.hub.cdn = f"http://127.0.0.1:{self._cdn.port}"

    def __enter__(self) -> HubServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends both hosts and every connection to them."""
        self._hub.close()
        self._cdn.close()

    def __getitem__(self, repo: str) -> Repository:
        return self.hub.repositories[repo]

    def __setitem__(self, repo: str, given: Mapping[str, bytes | Path] | Repository) -> None:
        self.hub.repositories[repo] = _repository(repo, given)

    def misbehave(self, path: str = "", **how: Any) -> Fault:
        """From now on, answers to requests with `path` in their path go wrong; the fields are those of `Fault`."""
        fault = Fault(path, **how)
        with self._lock:
            self._faults.append(fault)
        return fault

    def behave(self, *faults: Fault) -> None:
        """Ends these faults, or all; what stalls because of them goes on."""
        with self._lock:
            ended = faults or tuple(self._faults)
            self._faults = [fault for fault in self._faults if not any(fault is one for one in ended)]
        for fault in ended:
            fault.released.set()

    def expire_signatures(self) -> None:
        """Every address of the CDN that was given out so far is worth nothing."""
        self.hub.valid_since = time.time()

    def hang_up(self) -> None:
        """Ends every open connection, as a cable that is pulled does."""
        self._hub.hang_up()
        self._cdn.hang_up()

    def sent(self, host: str = "cdn") -> int:
        """Bytes of bodies that a host has sent so far."""
        return sum(request.sent for request in self.received[host])

    def _serve(self, host: str, asked: Received, wire: Wire) -> None:
        with self._lock:
            self.received[host].append(asked)
            fault = self._fault_for(asked, host) or _WELL
        seen = fault.seen(asked)
        answer = self.hub.answer(seen) if host == "hub" else self.hub.deliver(seen)
        answer = fault.bent(answer, asked)
        asked.status = answer.status
        fault.send(answer, asked, wire)

    def _fault_for(self, asked: Received, host: str) -> Fault | None:
        for fault in self._faults:
            if not fault.matches(asked, host):
                continue
            fault.skip -= 1
            if fault.skip < 0 < fault.times:
                fault.times -= 1
                fault.used += 1
                return fault
        return None


def _repository(name: str, given: Mapping[str, bytes | Path] | Repository) -> Repository:
    if isinstance(given, Repository):
        return given
    return Repository(name, {path: Content(source) for path, source in given.items()})
