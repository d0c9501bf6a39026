"""What `web` adds to httpx2's own classes; apart from it, so that a start imports httpx2 only when something is asked.

Invariant: a body is counted whole, however it ends; huggingface_hub hears of a Hub that is busy or away at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2

from desktop.services.online.faults import refused, told
from desktop.services.online.network import Network

_TOLD_BYTES = 32 << 20  # a program that is killed leaves no more than this unlisted


class Once(httpx2.Client):
    """For huggingface_hub, which asks a Hub that is busy or away six times, for minutes, before it says so."""

    def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        """Raises a `UserError`, which huggingface_hub lets through, where it would try again.

        Its time limits do not count: it has none for the pages of a list.
        """
        request.extensions["timeout"] = self.timeout.as_dict()
        with told():
            response = super().send(request, **how)
        if response.status_code == 429 or response.status_code >= 500:
            raise refused(response)
        return response


class Counted(httpx2.SyncByteStream):
    """A body that tells as it comes, and at its end, how many bytes it had."""

    def __init__(self, stream: httpx2.SyncByteStream | httpx2.AsyncByteStream, network: Network, handle: int) -> None:
        assert isinstance(stream, httpx2.SyncByteStream)
        self._stream = stream
        self._network = network
        self._handle = handle
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._bytes += len(piece)
            if self._bytes >= _TOLD_BYTES:
                self._tell()
            yield piece

    def close(self) -> None:
        self._stream.close()
        if self._bytes:
            self._tell()

    def _tell(self) -> None:
        self._network.count(self._handle, 0, self._bytes)
        self._bytes = 0
