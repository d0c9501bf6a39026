"""A client of the Hub for tests: the real huggingface_hub, over real sockets, against `tests.hub`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from desktop.core.errors import UserError
from desktop.services.online.hub import Hub
from desktop.services.online.network import Network
from desktop.services.online.tokens import Tokens
from desktop.services.online.web import Web
from tests.hub import HubServer, Repository

T = TypeVar("T")
REPO, FILE = "TheBloke/Tiny-GGUF", "tiny.Q4_K_M.gguf"
GATED, PRIVATE = "meta/Locked-GGUF", "me/Mine-GGUF"
TOKEN = "hf_the_good_one"
README = b"---\nlicense: mit\n---\n<div>\n# Tiny\n</div>\n<script>x</script>"
GGUF = {"total": 7_000_000, "architecture": "llama", "context_length": 2048}


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A Hub with four repositories, which `HF_ENDPOINT` points at."""
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
def client(folder: Path, patience_s: float = 5.0, deadline_s: float = 30.0) -> Iterator[tuple[Hub, Network]]:
    """A client whose token and cache lie in `folder`."""
    network, tokens = Network(), Tokens(folder / "token")
    web = Web(network, tokens, patience_s)
    hub = Hub(web, folder / "cache", tokens, deadline_s)
    yield hub, network
    web.close()
    network.close()


def run(asked: Awaitable[T]) -> T:
    async def main() -> T:
        return await asked

    return asyncio.run(main())


def refusal(asked: Callable[[], Awaitable[object]]) -> UserError:
    """The sentence that asking ends with."""
    with pytest.raises(UserError) as caught:
        run(asked())
    return caught.value


def calls(server: HubServer, part: str = "/api/models") -> int:
    """Requests to the Hub with `part` in their address."""
    return sum(part in request.target for request in server.received["hub"])


def age(folder: Path, seconds: float) -> None:
    """Makes what a client keeps so much older."""
    for path in (folder / "cache").glob("*.json"):
        kept = json.loads(path.read_bytes())
        path.write_text(json.dumps({**kept, "at": kept["at"] - seconds}))
