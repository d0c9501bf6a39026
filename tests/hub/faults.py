"""How an answer goes wrong: values that a test sets while the server runs.

Invariant: a fault without a field set changes nothing; the first that matches a request is used, and only while its
`times` last. Combinations mean what their fields mean one after the other.
"""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from tests.hub.wire import Answer, Hangup, Received, Slice, Wire, head

ALWAYS = 1 << 60
HTML = b"<!doctype html><title>Welcome to the hotel</title><p>Accept our terms to use the network."


@dataclass
class Fault:
    """Which requests, how often, and what goes wrong. `times` counts down; `used` counts up."""

    path: str = ""  # part of the path
    on: str = ""  # "hub" or "cdn"; "" is both
    method: str = ""  # "GET" or "HEAD"
    times: int = ALWAYS
    skip: int = 0  # so many matching requests are answered well before
    # instead of the answer
    status: int = 0
    location: str = ""  # a redirect to there; "" with `loop` is to itself
    loop: bool = False
    body: bytes | None = None  # as in JSON that is none, or a hotel's page
    headers: dict[str, str] = field(default_factory=dict)  # added to, or in place of, those of the answer
    without: tuple[str, ...] = ()  # headers left out
    # time
    delay_s: float = 0.0  # before the first byte
    slow_headers_s: float = 0.0  # between the lines of the head
    stall_after: int | None = None  # bytes of the body; goes on after `stall_s`, or when `released` is set
    stall_s: float = 1e9
    piece: int = 0  # a trickle: so many bytes at once,
    every_s: float = 0.0  # and so long between them
    # the body
    drop_after: int | None = None  # bytes of the body, and the connection is closed in order
    reset_after: int | None = None  # and it is reset
    short_by: int = 0  # bytes that are missing at the end, of which Content-Length knows nothing
    extra: bytes = b""  # after the end, and Content-Length counts it
    length_off: int = 0  # Content-Length is wrong by so many
    corrupt_at: int | None = None  # this byte of the body has all bits turned round
    gzipped: bool = False
    # Range
    ignore_range: bool = False  # 200 and the whole
    etag: str = ""  # another one, and If-Range is compared with it
    used: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def matches(self, request: Received, host: str) -> bool:
        return self.on in ("", host) and self.method in ("", request.method) and self.path in request.path

    def seen(self, request: Received) -> Received:
        """The request as the server wants to see it."""
        if not self.ignore_range:
            return request
        kept = {name: value for name, value in request.headers.items() if name not in ("range", "if-range")}
        return replace(request, headers=kept)

    def bent(self, answer: Answer, request: Received) -> Answer:
        """The answer as this fault has it, its Content-Length included."""
        if self.loop or self.location:
            answer = Answer(self.status or 302, {"Location": self.location or request.target})
        elif self.status or self.body is not None:
            kind = "text/html" if self.body == HTML else "application/json"
            answer = Answer(self.status or 200, {"Content-Type": kind}, self.body or b"")
        body = answer.body
        if self.gzipped:
            body = gzip.compress(body if isinstance(body, bytes) else _bytes(body))
            answer = Answer(answer.status, {**answer.headers, "Content-Encoding": "gzip"}, body)
        if self.extra:
            answer = replace(answer, body=(body if isinstance(body, bytes) else _bytes(body)) + self.extra)
        headers = {**answer.headers, "Content-Length": str(len(answer.body) + self.length_off), **self.headers}
        if self.etag and "ETag" in headers:
            headers["ETag"] = self.etag
        return replace(answer, headers={k: v for k, v in headers.items() if k not in self.without})

    def send(self, answer: Answer, request: Received, wire: Wire) -> None:
        """The answer, with everything that goes wrong on its way."""
        wire.wait(self.delay_s, self.released)
        for line in head(answer.status, answer.headers):
            wire.write(line)
            if self.slow_headers_s:
                wire.wait(self.slow_headers_s)
        if request.method == "HEAD":
            return
        if self.piece == 0 and self._harmless and isinstance(answer.body, Slice):
            _stream(answer.body, request, wire)
        else:
            self._send_pieces(answer.body, request, wire)
        if self.short_by or self.length_off > 0 or "Content-Length" in self.without:
            raise Hangup  # else the visitor would wait for ever

    @property
    def _harmless(self) -> bool:
        ends = (self.stall_after, self.drop_after, self.reset_after, self.corrupt_at)
        return all(end is None for end in ends) and not self.short_by

    def _send_pieces(self, body: bytes | Slice, request: Received, wire: Wire) -> None:
        length, at, stalled = len(body) - self.short_by, 0, False
        ends = [e for e in (self.drop_after, self.reset_after) if e is not None]
        end = min([length, *ends])
        while at < end:
            if self.stall_after is not None and at >= self.stall_after and not stalled:
                stalled = True
                wire.wait(self.stall_s, self.released)
            stop = min(end, at + (self.piece or 64 << 10))
            if self.stall_after is not None and not stalled:
                stop = min(stop, max(self.stall_after, at + 1))
            wire.write(self._read(body, at, stop), request)
            at = stop
            if self.every_s:
                wire.wait(self.every_s)
        if ends:
            raise Hangup(reset=self.reset_after is not None)

    def _read(self, body: bytes | Slice, start: int, stop: int) -> bytes:
        data = bytearray(body[start:stop] if isinstance(body, bytes) else _bytes(body, start, stop))
        if self.corrupt_at is not None and start <= self.corrupt_at < stop:
            data[self.corrupt_at - start] ^= 0xFF
        return bytes(data)


def _bytes(body: Slice, start: int = 0, stop: int | None = None) -> bytes:
    with body.path.open("rb") as file:
        file.seek(body.start + start)
        return file.read((len(body) if stop is None else stop) - start)


def _stream(body: Slice, request: Received, wire: Wire) -> None:
    at = body.start
    with body.path.open("rb") as file:
        binary: BinaryIO = file
        while at < body.stop:
            taken = wire.copy(binary, at, body.stop - at, request)
            if not taken:
                raise Hangup  # the file was cut meanwhile
            at += taken
