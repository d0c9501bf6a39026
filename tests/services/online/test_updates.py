"""News of a newer version, over real sockets: what is believed, what is not, and that nobody is asked too often."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from desktop.core.update import Update
from desktop.services.online import updates
from desktop.services.online.network import Network
from desktop.services.online.tokens import Tokens
from desktop.services.online.updates import Updates
from desktop.services.online.web import Web
from desktop.services.preferences import Preferences

KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2))
NOW = datetime.now(UTC)
Answer = Callable[[BaseHTTPRequestHandler], None]


def published(version: str = "2.0", **changes: Any) -> bytes:
    row: dict[str, Any] = {
        "version": version,
        "published": (NOW - timedelta(hours=1)).isoformat(),
        "expires": (NOW + timedelta(days=30)).isoformat(),
        "page": "https://alcove.dev/download",
        "notes": {"en": "Faster.", "ko": "더 빨라졌습니다."},
        "systems": {"linux": "2.17", "windows": "10.0", "macos": "11"},
    }
    return json.dumps({**row, **changes}, ensure_ascii=False).encode()


class Site:
    """Two files on this computer, and who asked for them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Answer] = {}
        self.asked: list[str] = []
        self.headers: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                site.headers = dict(self.headers)
                found = site.files.get(self.path)
                if callable(found):
                    found(self)
                    return
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.end_headers()
                self.wfile.write(found or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}/alcove.json"
        Thread(target=self.server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02}).start()

    def publish(self, data: bytes, key: Ed25519PrivateKey = KEY, signature: bytes | None = None) -> None:
        self.files = {"/alcove.json": data, "/alcove.json.sig": signature or base64.b64encode(key.sign(data)) + b"\n"}


class Person:
    """Somebody's Alcove, with the switch on."""

    def __init__(self, folder: Path) -> None:
        self.network = Network(folder / "connections.jsonl")
        self.web = Web(self.network, Tokens(folder / "token"), patience_s=1.0)
        self.preferences = Preferences(folder / "preferences.toml")
        self.file = folder / "updates.json"
        asyncio.run(self.preferences.set("updates", True))

    def look(self, installed: str = "1.0", deadline_s: float = 5.0) -> Update | None:
        keys = (OTHER.public_key().public_bytes_raw()[::-1], KEY.public_key().public_bytes_raw())
        return asyncio.run(Updates(self.web, self.preferences, self.file, keys, installed, deadline_s).look())

    def tomorrow(self) -> None:
        row = json.loads(self.file.read_text())
        self.file.write_text(json.dumps({**row, "asked": row["asked"] - updates.DAY_S - 1}))


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site()
    monkeypatch.setenv(updates.VARIABLE, made.address)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_token")
    made = Person(tmp_path)
    yield made
    made.web.close()
    made.network.close()


def test_a_newer_version_is_news(site: Site, person: Person) -> None:
    site.publish(published())
    found = person.look()
    assert found is not None
    assert (str(found.version), found.page) == ("2.0", "https://alcove.dev/download")
    assert [found.note(language) for language in ("ko", "it")] == ["더 빨라졌습니다.", "Faster."]
    assert {c.why for c in person.network.connections()} == {updates.NEW_VERSION}, (
        "and the person can see who was asked"
    )
    assert "authorization" not in {name.lower() for name in site.headers}
    assert "cookie" not in {name.lower() for name in site.headers}


def test_nobody_is_asked_who_was_not_told_to(site: Site, person: Person, tmp_path: Path) -> None:
    site.publish(published())
    asyncio.run(person.preferences.reset("updates"))
    assert person.look() is None
    asyncio.run(person.preferences.set("updates", True))
    person.network.sealed = True
    assert person.look() is None
    assert site.asked == []
    assert person.network.connections() == []
    assert not person.file.exists(), "and once the seal is off, it may be asked at once"


def test_at_most_once_a_day(site: Site, person: Person) -> None:
    site.publish(published())
    assert person.look() is not None
    assert person.look() is None
    assert len(site.asked) == 2, "the file and its signature, once"
    person.tomorrow()
    assert person.look() is not None
    person.file.write_text(json.dumps({"asked": time.time() + 9e6}))
    assert person.look() is not None, "the clock was wrong, and is right again"


def test_a_site_that_fails_is_left_alone_until_tomorrow(site: Site, person: Person) -> None:
    assert person.look() is None
    site.publish(published())
    assert person.look() is None
    assert len(site.asked) == 1


def test_what_the_person_has_closed_is_not_told_again(site: Site, person: Person) -> None:
    site.publish(published())
    assert person.look() is not None
    asyncio.run(Updates(person.web, person.preferences, person.file).dismiss("2.0"))
    person.tomorrow()
    assert person.look() is None
    site.publish(published("2.1"))
    person.tomorrow()
    assert person.look() is not None


@pytest.mark.parametrize("version", ["1.0", "0.9.9", "1.0.post0.dev1", "2.0rc1"])
def test_versions_that_are_no_news(site: Site, person: Person, version: str) -> None:
    site.publish(published(version))
    assert person.look() is None


@pytest.mark.parametrize(
    ("installed", "version"), [("1.9", "1.10"), ("2.0rc1", "2.0"), ("1.0.dev3", "1.0a1"), ("1.0", "1!0.1")]
)
def test_versions_are_compared_as_python_does(site: Site, person: Person, installed: str, version: str) -> None:
    site.publish(published(version))
    assert person.look(installed) is not None


def test_a_forged_file(site: Site, person: Person) -> None:
    data = published()
    for signature in (
        base64.b64encode(OTHER.sign(data)),
        base64.b64encode(KEY.sign(published("1.5"))),
        base64.b64encode(bytes(64)),
        b"nonsense!",
        b"\xff" * 88,
        b"\n",
    ):
        site.publish(data, signature=signature)
        person.file.unlink(missing_ok=True)
        assert person.look() is None
    site.publish(data)
    site.files["/alcove.json"] = data.replace(b"alcove.dev", b"elsewh.ere")
    person.file.unlink(missing_ok=True)
    assert person.look() is None
    assert "version" not in json.loads(person.file.read_text()), "nothing of it is remembered either"


def test_an_older_file_that_is_shown_again(site: Site, person: Person) -> None:
    site.publish(published("3.0"))
    assert person.look() is not None
    for replayed in (published("2.0"), published("3.0", published=(NOW - timedelta(days=5)).isoformat())):
        site.publish(replayed)
        person.tomorrow()
        assert person.look() is None
    site.publish(published("3.0"))
    person.tomorrow()
    assert person.look() is not None


def test_a_file_that_was_kept_back_until_it_expired(site: Site, person: Person) -> None:
    site.publish(published(expires=(NOW - timedelta(minutes=1)).isoformat()))
    assert person.look() is None


def test_a_file_from_the_future_does_not_hide_the_next(site: Site, person: Person) -> None:
    far = {"published": (NOW + timedelta(days=900)).isoformat(), "expires": (NOW + timedelta(days=999)).isoformat()}
    site.publish(published("9.0", **far))
    assert person.look() is None
    site.publish(published("2.0"))
    person.tomorrow()
    assert person.look() is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "two"},
        {"version": 2},
        {"published": "2026-01-01"},  # without a zone
        {"expires": None},
        {"page": "http://alcove.dev"},
        {"page": "https://alcove.dev/\nx"},
        {"page": "javascript:alert(1)"},
        {"notes": ["Faster."]},
        {"notes": {"en": 7}},
        {"systems": {"linux": "old"}},
    ],
)
def test_a_file_that_is_not_as_agreed(site: Site, person: Person, changes: dict[str, Any]) -> None:
    site.publish(published(**changes))
    assert person.look() is None


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[1]", b"<html>log in</html>", b"\xff\xfe", b"[" * 50_000, b'"' + b"x" * 70_000]
)
def test_what_is_no_such_file_at_all(site: Site, person: Person, data: bytes) -> None:
    site.publish(data)
    assert person.look() is None


def test_systems(site: Site, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish(published())
    for system, news in (
        (("linux", "2.16"), False),
        (("haiku", "1"), False),
        (("linux", ""), True),
        (("linux", "musl?"), True),
    ):
        person.file.unlink(missing_ok=True)
        monkeypatch.setattr(updates, "_system", lambda found=system: found)
        assert (person.look() is not None) is news, system


def test_a_huge_answer_is_hung_up_on(site: Site, person: Person) -> None:
    sent = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(2_000):
                sent.append(handler.wfile.write(b"x" * 65_536))
        except OSError:
            return

    site.files = {"/alcove.json": flood}
    assert person.look() is None
    assert sum(sent) < 50 << 20
    assert site.asked == ["/alcove.json"]


def test_a_slow_answer_is_given_up(site: Site, person: Person) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(600):
                handler.wfile.write(b" ")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            return

    site.files = {"/alcove.json": drip}
    began = time.monotonic()
    assert person.look(deadline_s=0.3) is None
    assert time.monotonic() - began < 15


def test_a_redirect_is_not_followed(site: Site, person: Person) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/other.json")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site.publish(published())
    site.files["/other.json"], site.files["/alcove.json"] = site.files["/alcove.json"], elsewhere
    assert person.look() is None
    assert site.asked == ["/alcove.json"]


def test_a_site_that_is_not_there(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("http://127.0.0.1:9/alcove.json", "http://elsewhere.invalid/x", "nonsense", "https://["):
        monkeypatch.setenv(updates.VARIABLE, address)
        person.file.unlink(missing_ok=True)
        assert person.look() is None


@pytest.mark.parametrize(
    "kept", [b"", b"[]", b"{", b'{"asked": "x", "version": [], "published": 3}', b'{"asked": true}']
)
def test_a_memory_that_is_damaged(site: Site, person: Person, kept: bytes) -> None:
    site.publish(published())
    person.file.write_bytes(kept)
    assert person.look() is not None
