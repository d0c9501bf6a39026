"""The Hub, as far as Alcove reads it: search, what a repository holds at a commit, its card, bytes of its files.

Invariants: huggingface_hub does the asking, in threads that nothing waits for; a Hub that said when to come back is
left alone until then; every answer is checked before it becomes a value; no call is made for a row; a listing, its
header and its card are of one commit. Errors leave as `UserError`. Downloads are `services.transfer`'s,
connections `services.online.web`'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from desktop import __version__
from desktop.core import card, records, repos
from desktop.core.errors import N_, HubError, NetworkError, UserError
from desktop.core.repos import Listing, Pasted, RepoFile, Repository
from desktop.services.online import catalogue
from desktop.services.online.answers import Answer, Answers
from desktop.services.online.errands import answered
from desktop.services.online.faults import BUSY, refused, told
from desktop.services.online.tokens import Tokens
from desktop.services.online.web import Web

if TYPE_CHECKING:
    from huggingface_hub import HfApi

T = TypeVar("T")
SEARCH = N_("Searching the Hub")
LOOKING = N_("Looking at a repository of the Hub")
_DEADLINE_S = 40.0  # twice the patience with a silent connection; a trickle of bytes has no other end
_SLOWEST = 50_000  # bytes in a second: half of what the slowest DSL has
_FRESH_S = 600.0  # the Hub counts downloads once a day
_MOST_FILES = 5_000  # five pages of the tree; the largest GGUF repositories have some hundred files
_LONGEST_WORDS = 200
_PAGE = 20  # rows of a page at least
_CARD = 512 << 10  # bytes
_EXPAND: list[Any] = ["downloads", "likes", "lastModified", "tags", "gated", "gguf"]

_SLOW = N_("The Hub takes too long to answer. Check the connection, or try again later.")
_ODD = N_(
    "The answer was not the Hub's. A network that wants you to log in first, or a mirror, may stand in between. Open a "
    "page of the web to see, then try again."
)
_NO_ADDRESS = N_(
    "HF_ENDPOINT is “{address}”, which is no address of a Hub: it begins with https://. Change or remove it."
)
_NAME = N_(
    "“{repo}” is not the name of a repository. It has an author and a name, such as TheBloke/zephyr-7B-beta-GGUF."
)


class Sort(StrEnum):
    """What results are sorted by, in the API's own words."""

    DOWNLOADS = "downloads"
    LIKES = "likes"
    MODIFIED = "lastModified"
    TRENDING = "trendingScore"


class Hub:
    """One client. `cache` is a folder of its own; `tokens` may be asked to unlock a keyring, in a thread."""

    def __init__(self, web: Web, cache: Path, tokens: Tokens, deadline_s: float = _DEADLINE_S) -> None:
        self._web = web
        self._tokens = tokens
        self._deadline_s = deadline_s
        self._answers = Answers(cache)
        self._first = threading.Lock()
        self._installed = False
        self._quiet_until = 0.0  # as the monotonic clock has it: the Hub wants to be left alone

    def pasted(self, text: str) -> Pasted | None:
        """As `core.repos.pasted`, for the Hub that is asked here."""
        return repos.pasted(text, self._web.endpoint)

    def page(self, repo: str) -> str:
        """Where people read about a repository in the browser."""
        return f"{self._web.endpoint}/{repo}"

    def starting_points(self) -> tuple[Listing, ...]:
        """The catalogue: what is shown before anything is asked."""
        return catalogue.listings()

    def search(self, words: str, author: str = "", sort: Sort = Sort.DOWNLOADS) -> Search:
        """Repositories with GGUF files. Nothing is asked before `Search.more`."""
        return Search(self, " ".join(words.split())[:_LONGEST_WORDS], author.strip(), sort)

    async def listing(self, repo: str, revision: str = "main", *, again: bool = False) -> Listing:
        """A repository at the commit that `revision` names now; `again` asks even if the disk knows it.

        Where the Hub does not answer, what it said last, marked `stale`. Raises `NetworkError`, `HubError`.
        """
        if not repos.valid_id(repo):
            raise HubError(_NAME, repo=repo[:100])
        return await self.ask(lambda: self._listing(repo, revision, again), LOOKING)

    async def card(self, repo: str, commit: str) -> str:
        """The repository's card as Markdown without HTML; "" if it has none. Raises `NetworkError`, `HubError`."""
        return await self.ask(lambda: self._card(repo, commit or "main"), LOOKING)

    async def read(self, repo: str, commit: str, path: str, start: int, stop: int) -> bytes:
        """Bytes of a file, up to its end. Raises `NetworkError`, `HubError`, `GatedError`."""
        longer_s = (stop - start) / _SLOWEST
        return await self.ask(lambda: self._read(repo, commit, path, start, stop), LOOKING, longer_s)

    def url(self, repo: str, commit: str, path: str) -> str:
        """Where a file is fetched."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(repo, path, revision=commit or "main", endpoint=self._web.endpoint)

    async def ask(self, question: Callable[[], T], why: str, longer_s: float = 0.0) -> T:
        """Runs `question` in a thread; connections it opens are listed as made for `why`."""
        try:
            with self._web.network.purpose(why):
                return await answered(question, self._deadline_s + longer_s)
        except TimeoutError:
            raise NetworkError(_SLOW) from None

    # -- in threads ----------------------------------------------------------------------------------------------------

    @contextmanager
    def asking(self, repo: str = "") -> Iterator[None]:
        """Around what asks: errors leave as `NetworkError` and `HubError`; a pause the Hub asked for is kept."""
        if not self._web.endpoint.startswith(("https://", "http://")):
            raise HubError(_NO_ADDRESS, address=self._web.endpoint[:100])
        pause = self._quiet_until - time.monotonic()
        if pause > 0:
            raise HubError(BUSY, seconds=pause)
        try:
            with told(repo):
                yield
        except HubError as error:
            seconds = error.fields.get("seconds")
            if isinstance(seconds, float):
                self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise HubError(_ODD) from error  # huggingface_hub, or `records`, met what the API does not promise

    def api(self) -> HfApi:
        """huggingface_hub's client as it is now: the address and the token may have changed."""
        from huggingface_hub import HfApi

        with self._first:
            if not self._installed:
                self._web.install()
                self._installed = True
        # Its own User-Agent would tell of Python and the libraries here.
        return HfApi(self._web.endpoint, self._tokens.get() or False, headers={"user-agent": f"Alcove/{__version__}"})

    def kept(self, *key: str) -> Answer | None:
        return self._answers.get(*self._key(key))

    def keep(self, value: object, *key: str) -> None:
        self._answers.put(value, *self._key(key))

    def _key(self, key: tuple[str, ...]) -> tuple[str, ...]:
        """Another Hub, and another person, see other things."""
        token = self._tokens.get()
        return (self._web.endpoint, hashlib.sha256(token.encode()).hexdigest() if token else "", *key)

    def _listing(self, repo: str, revision: str, again: bool) -> Listing:
        kept = self.kept("listing", repo, revision)
        known = _read_listing(kept) if kept else None
        if kept and known and not again and kept.younger(_FRESH_S):
            return known
        try:
            with self.asking(repo):
                row = self._looked_at(repo, revision)
                listing = _listed(row, time.time())
        except UserError as error:
            if known is None or _final(error):
                raise
            return replace(known, stale=True)
        self.keep(row, "listing", repo, revision)
        return listing

    def _looked_at(self, repo: str, revision: str) -> Mapping[str, Any]:
        """Two calls: what it is, at which commit; and the files of that commit."""
        from huggingface_hub import hf_api

        api = self.api()
        info = api.model_info(repo, revision=revision, expand=["sha", *_EXPAND])
        modified = info.last_modified.isoformat() if info.last_modified else ""
        about = records.repository({**vars(info), "lastModified": modified})
        commit = records.commit(info.sha)
        if about is None or not commit:
            raise ValueError
        tree = islice(api.list_repo_tree(about.id, recursive=True, revision=commit), _MOST_FILES)
        rows = [one for one in tree if isinstance(one, hf_api.RepoFile)]
        files = [
            records.file(one.path, one.lfs.size if one.lfs else one.size, one.lfs and one.lfs.sha256) for one in rows
        ]
        return {"about": asdict(about), "commit": commit, "files": [asdict(one) for one in files if one]}

    def _read(self, repo: str, commit: str, path: str, start: int, stop: int) -> bytes:
        with self.asking(repo):
            return self._web.read(self.url(repo, commit, path), start, stop, repo)

    def _card(self, repo: str, commit: str) -> str:
        kept = self.kept("card", repo, commit)
        if kept and isinstance(kept.value, str) and (len(commit) == 40 or kept.younger(_FRESH_S)):
            return kept.value
        with self.asking(repo), self._web.get(self.url(repo, commit, "README.md")) as response:
            if response.status_code == 404 and response.headers.get("X-Error-Code") == "EntryNotFound":
                return ""
            if response.status_code != 200:
                raise refused(response, repo)
            data = bytearray()
            for piece in response.iter_bytes():
                data += piece
                if len(data) > _CARD:
                    break
        text = card.shown(data[:_CARD].decode(errors="replace"))
        self.keep(text, "card", repo, commit)
        return text


class Search:
    """Results of one search, page by page, no repository twice."""

    def __init__(self, hub: Hub, words: str, author: str, sort: Sort) -> None:
        self.problem: UserError | None = None  # why what is shown comes from the disk
        self.finished = False
        self._hub = hub
        self._key = ("search", words, author, sort.value)
        self._query = {"search": words, "author": author, "sort": sort.value, "filter": "gguf"}
        self._rows: dict[str, Repository] = {}
        self._given = 0
        self._at = 0.0  # when the rows were asked for, if that was not now
        self._complete = False  # no page follows
        self._looked = False  # on the disk
        self._items: Iterator[object] | None = None
        self._one = asyncio.Lock()
        self._reading = threading.Lock()

    @property
    def age(self) -> float:
        """Seconds since the Hub said so; 0 where it was asked just now."""
        return max(0.0, time.time() - self._at) if self._at else 0.0

    async def more(self, count: int = _PAGE) -> tuple[Repository, ...]:
        """The next rows; fewer than `count` where these are the last. Raises `NetworkError`, `HubError`.

        After an error it may be called again. Where nothing can be asked, the rows that the disk has are given, and
        `problem` says why.
        """
        async with self._one:
            if self._given + count > len(self._rows) and not self._complete:
                await self._hub.ask(lambda: self._advance(self._given + count, count), SEARCH)
            found = tuple(islice(self._rows.values(), self._given, self._given + count))
            self._given += len(found)
            self.finished = self._complete and self._given == len(self._rows)
            return found

    def _advance(self, wanted: int, page: int) -> None:
        """In a thread: reads on until so many rows are known. A call that was given up may still be in here."""
        with self._reading:
            self._read_on(wanted, page)

    def _read_on(self, wanted: int, page: int) -> None:
        kept = None if self._looked else self._hub.kept(*self._key)
        self._looked = True
        if kept and kept.younger(_FRESH_S):
            self._take(kept)
            if self._complete or len(self._rows) >= wanted:
                return
        try:
            with self._hub.asking():
                self._ask(wanted, page)
        except UserError as error:
            self._items = None
            if kept is None or self._given or _final(error):
                raise
            self._take(kept)
            self._complete, self.problem = True, error
            return
        self._at = 0.0
        self._hub.keep({"rows": [asdict(row) for row in self._rows.values()], "complete": self._complete}, *self._key)

    def _ask(self, wanted: int, page: int) -> None:
        """huggingface_hub's own pages, each as large as what is shown: `list_models` takes a thousand rows at once."""
        if self._items is None:
            from huggingface_hub.utils import build_hf_headers, paginate  # type: ignore[attr-defined]

            api = self._hub.api()
            headers = build_hf_headers(token=api.token, headers=api.headers)
            query = {name: value for name, value in self._query.items() if value}
            self._items = iter(
                paginate(f"{api.endpoint}/api/models", {**query, "limit": max(page, _PAGE), "expand": _EXPAND}, headers)
            )
        strange = False
        while len(self._rows) < wanted:
            try:
                row = records.repository(next(self._items))
            except StopIteration:
                if strange and not self._rows:
                    raise ValueError from None  # a list, but of other things
                self._complete = True
                return
            strange = strange or row is None
            if row is not None:
                self._rows.setdefault(row.id, row)

    def _take(self, kept: Answer) -> None:
        """Rows from the disk, unless a file of another version lies there."""
        if isinstance(kept.value, dict):
            with suppress(TypeError, KeyError):
                self._rows = {row["id"]: Repository(**row) for row in kept.value["rows"]}
                self._complete, self._at = bool(kept.value["complete"]), kept.at


def _final(error: UserError) -> bool:
    """Whether the Hub itself refused, so that an older answer would mislead: gone, private, a wrong token."""
    response = getattr(error.__cause__, "response", None)
    status = getattr(response, "status_code", 0)
    return 400 <= status < 500 and status != 429


def _listed(value: Any, at: float) -> Listing:
    files = [RepoFile(**row) for row in value["files"]]
    return Listing(Repository(**value["about"]), value["commit"], repos.variants(files), at)


def _read_listing(answer: Answer) -> Listing | None:
    """None where a file of another version lies on the disk."""
    with suppress(TypeError, KeyError):
        return _listed(answer.value, answer.at)
    return None
