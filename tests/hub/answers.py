"""What the Hub answers: search, model info, tree, `resolve`, tokens and gates; and what its CDN does.

The shapes are those of the public API (https://huggingface.co/.well-known/openapi.json) and of what huggingface_hub
2.4.0 reads. Invariant: nothing here goes wrong on purpose; what is refused, the real one refuses too. An `expand` that
the Hub does not know is a 400, so that a client that made one up is found out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tests.hub.contents import Content, Repository, is_lfs
from tests.hub.wire import Answer, Received, Slice

EXPANDABLE = frozenset(
    "author baseModels cardData childrenModelCount config createdAt disabled downloads downloadsAllTime evalResults "
    "gated gguf inference inferenceProviderMapping lastModified library_name likes mask_token model-index pipeline_tag "
    "private resourceGroup safetensors sha siblings spaces tags transformersInfo trendingScore usedStorage widgetData "
    "xetEnabled".split()
)
SORTS = {"downloads", "likes", "lastModified", "createdAt", "trendingScore"}
_SECRET = b"the CDN's"
_BOTTOM = {"downloads": 0, "likes": 0}


@dataclass
class Hub:
    """The repositories, and who may see which. `cdn` is the address that large files are sent to."""

    repositories: dict[str, Repository]
    tokens: Mapping[str, Collection[str]] = field(default_factory=dict)  # token: repositories it opens
    moved: dict[str, str] = field(default_factory=dict)  # old name: new name
    endpoint: str = ""
    cdn: str = ""
    tree_page: int = 1000
    search_page: int = 1000
    signed_for_s: float = 3600.0
    valid_since: float = 0.0  # signatures from before are expired

    def answer(self, asked: Received) -> Answer:
        """The Hub's own answer."""
        for shape, answer in self._routes():
            if found := re.fullmatch(shape, asked.path):
                return answer(asked, **found.groupdict())
        return _refusal(404, "", "Sorry, we can't find the page you are looking for.")

    def _routes(self) -> tuple[tuple[str, Callable[..., Answer]], ...]:
        repo = r"(?P<repo>[^/]+/[^/]+)"
        return (
            ("/api/models", self._search),
            ("/api/whoami-v2", self._whoami),
            (f"/api/models/{repo}/auth-check", self._auth_check),
            (f"/api/models/{repo}/tree/(?P<rev>[^/]+)(/(?P<folder>.+))?", self._tree),
            (f"/api/models/{repo}(/revision/(?P<rev>.+))?", self._info),
            (f"/api/resolve-cache/models/{repo}/(?P<rev>[^/]+)/(?P<path>.+)", self._cached),
            (f"/{repo}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", self._resolve),
        )

    # -- who may see what ----------------------------------------------------------------------------------------------

    def _whoami(self, asked: Received) -> Answer:
        if asked.token not in self.tokens:
            return _refusal(401, "", "Invalid username or password.")
        return _json({"type": "user", "name": "tester", "auth": {"type": "access_token"}})

    def _seen(self, asked: Received, repo: str) -> Repository | Answer:
        """The repository, or why it is not to be seen; a moved one is a redirect."""
        if asked.token and asked.token not in self.tokens:
            return _refusal(401, "", "Invalid credentials in Authorization header")
        if repo in self.moved:
            there = asked.target.replace(repo, self.moved[repo], 1)
            return Answer(307, {"Location": there, "Content-Type": "text/plain"})
        found = self.repositories.get(repo)
        if found is None or (found.private and repo not in self.tokens.get(asked.token, ())):
            if asked.token:
                return _refusal(404, "RepoNotFound", "Repository not found")
            # Who is nobody learns nothing of what there is. The client reads a bare 401 so over https only; the code
            # makes it read this one alike.
            return _refusal(401, "RepoNotFound", "Invalid username or password.")
        return found

    def _gate(self, asked: Received, repository: Repository) -> Answer | None:
        if not repository.gated or repository.id in self.tokens.get(asked.token, ()):
            return None
        if not asked.token:
            text = f"Access to model {repository.id} is restricted. You must have access to it and be authenticated"
            return _refusal(401, "GatedRepo", f"{text} to access it. Please log in.")
        text = f"Access to model {repository.id} is restricted and you are not in the authorized list."
        return _refusal(403, "GatedRepo", f"{text} Visit {self.endpoint}/{repository.id} to ask for access.")

    def _auth_check(self, asked: Received, repo: str) -> Answer:
        seen = self._seen(asked, repo)
        return seen if isinstance(seen, Answer) else self._gate(asked, seen) or _json({})

    # -- the API -------------------------------------------------------------------------------------------------------

    def _search(self, asked: Received) -> Answer:
        query = asked.query
        expand = [*query.get("expand", []), *query.get("expand[]", [])]
        sort = query.get("sort", ["trendingScore"])[0]
        if not EXPANDABLE.issuperset(expand) or sort not in SORTS:
            return _refusal(400, "", f"Invalid option: {expand} {sort}")
        if asked.token and asked.token not in self.tokens:
            return _refusal(401, "", "Invalid credentials in Authorization header")
        shown = [r for r in self.repositories.values() if self._wanted(r, asked)]
        shown.sort(key=lambda r: (_figure(r, sort), r.id), reverse=True)
        limit = min(int(query.get("limit", [self.search_page])[0]), self.search_page)
        start = int(query.get("cursor", ["0"])[0])
        rows = [_record(r, r.head, expand or _SHORT) for r in shown[start : start + limit]]
        return self._page(asked, rows, start + limit if start + limit < len(shown) else None)

    def _wanted(self, repository: Repository, asked: Received) -> bool:
        query = asked.query
        if repository.private and repository.id not in self.tokens.get(asked.token, ()):
            return False
        words = " ".join(query.get("search", [])).casefold().split()
        authors = query.get("author", [])
        if authors and repository.author.casefold() != authors[0].casefold():
            return False
        return set(query.get("filter", [])) <= set(_tags(repository)) and all(
            word in repository.id.casefold() for word in words
        )

    def _info(self, asked: Received, repo: str, rev: str | None) -> Answer:
        seen = self._seen(asked, repo)
        if isinstance(seen, Answer):
            return seen
        expand = [*asked.query.get("expand", []), *asked.query.get("expand[]", [])]
        if not EXPANDABLE.issuperset(expand):
            return _refusal(400, "", f"Invalid option: {expand}")
        at = seen.at(rev or "main")
        return _json(_record(seen, at[0], expand or _FULL)) if at else _no_revision(rev or "")

    def _tree(self, asked: Received, repo: str, rev: str, folder: str | None) -> Answer:
        seen = self._seen(asked, repo)
        if isinstance(seen, Answer):
            return seen
        at = seen.at(rev)
        if at is None:
            return _no_revision(rev)
        deep = asked.query.get("recursive", [""])[0].casefold() in ("true", "1")
        rows = _rows(at[1], f"{folder}/" if folder else "", deep)
        if folder and not rows:
            return _refusal(404, "EntryNotFound", f'"{folder}" does not exist on "{rev}"')
        start = int(asked.query.get("cursor", ["0"])[0])
        stop = start + self.tree_page
        return self._page(asked, rows[start:stop], stop if stop < len(rows) else None)

    def _page(self, asked: Received, rows: list[dict[str, Any]], following: int | None) -> Answer:
        answer = _json(rows)
        if following is not None:
            split = urlsplit(asked.target)
            kept = [(k, v) for k, v in parse_qsl(split.query) if k != "cursor"]
            answer.headers["Link"] = (
                f'<{self.endpoint}{split.path}?{urlencode([*kept, ("cursor", following)])}>; rel="next"'
            )
        return answer

    # -- files ---------------------------------------------------------------------------------------------------------

    def _resolve(self, asked: Received, repo: str, rev: str, path: str) -> Answer:
        seen = self._seen(asked, repo)
        if isinstance(seen, Answer):
            return seen
        if (refused := self._gate(asked, seen)) is not None:
            return refused
        at = seen.at(rev)
        if at is None:
            return _no_revision(rev)
        content = at[1].get(path)
        if content is None:
            answer = _refusal(404, "EntryNotFound", "Entry not found")
            answer.headers["X-Repo-Commit"] = at[0]
            return answer
        common = {"X-Repo-Commit": at[0], "Accept-Ranges": "bytes", "Content-Type": "text/plain; charset=utf-8"}
        if not is_lfs(path, content):
            there = f"/api/resolve-cache/models/{repo}/{at[0]}/{quote(path)}?etag=%22{content.oid}%22"
            linked = {"X-Linked-Etag": f'"{content.oid}"', "X-Linked-Size": str(content.size)}
            return Answer(307, {**common, **linked, "Location": there}, b"Temporary Redirect.")
        linked = {"X-Linked-Size": str(content.size), "X-Linked-Etag": f'"{content.sha256}"'}
        there = self._signed(repo, at[0], path)
        return Answer(302, {**common, **linked, "Location": there}, f"Found. Redirecting to {there}".encode())

    def _cached(self, asked: Received, repo: str, rev: str, path: str) -> Answer:
        seen = self._seen(asked, repo)
        if isinstance(seen, Answer):
            return seen
        found = seen.commits.get(rev, {}).get(path)
        if found is None:
            return _refusal(404, "EntryNotFound", "Entry not found")
        answer = ranged(found, f'"{found.oid}"', asked)
        answer.headers |= {"X-Repo-Commit": rev, "Content-Type": "text/plain; charset=utf-8"}
        return answer

    def _signed(self, repo: str, sha: str, path: str) -> str:
        now = time.time()
        target = f"/{repo}/{sha}/{quote(path)}"
        query = {"Issued": repr(now), "Expires": str(int(now + self.signed_for_s))}
        return f"{self.cdn}{target}?{urlencode({**query, 'Signature': _signature(target, query)})}"

    # -- the other host ------------------------------------------------------------------------------------------------

    def deliver(self, asked: Received) -> Answer:
        """The CDN's answer: it knows signatures and no tokens."""
        query = {name: values[0] for name, values in asked.query.items()}
        signed = {name: query.get(name, "") for name in ("Issued", "Expires")}
        target = urlsplit(asked.target).path
        if not hmac.compare_digest(query.get("Signature", ""), _signature(target, signed)):
            return _xml(403, "SignatureDoesNotMatch")
        if float(signed["Issued"]) < self.valid_since or float(signed["Expires"]) < time.time():
            return _xml(403, "ExpiredToken")
        found = re.fullmatch(r"/([^/]+/[^/]+)/([0-9a-f]{40})/(.+)", asked.path)
        content = self.repositories[found[1]].commits[found[2]].get(found[3]) if found else None
        if content is None:
            return _xml(404, "NoSuchKey")
        return ranged(content, content.etag, asked)


def ranged(content: Content, etag: str, asked: Received) -> Answer:
    """A file, or the part of it that was asked for (RFC 9110, sections 13.1.5 and 14)."""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.headers.get("range", ""))
    if wanted is None or wanted[0] == "bytes=-" or asked.headers.get("if-range", etag) != etag:
        return Answer(200, headers, _part(content, 0, content.size))
    start = int(wanted[1]) if wanted[1] else max(0, content.size - int(wanted[2]))
    stop = min(content.size, int(wanted[2]) + 1) if wanted[1] and wanted[2] else content.size
    if start >= stop:
        return Answer(416, {**headers, "Content-Range": f"bytes */{content.size}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{content.size}"
    return Answer(206, headers, _part(content, start, stop))


def _part(content: Content, start: int, stop: int) -> bytes | Slice:
    if isinstance(content.source, bytes):
        return content.source[start:stop]
    return Slice(content.source, start, stop)


def _signature(target: str, query: Mapping[str, str]) -> str:
    return hmac.new(_SECRET, f"{target} {sorted(query.items())}".encode(), "sha256").hexdigest()


def _json(value: object) -> Answer:
    return Answer(200, {"Content-Type": "application/json; charset=utf-8"}, json.dumps(value).encode())


def _refusal(status: int, code: str, message: str) -> Answer:
    headers = {"Content-Type": "application/json; charset=utf-8", "X-Error-Message": message}
    if code:
        headers["X-Error-Code"] = code
    return Answer(status, headers, json.dumps({"error": message}).encode())


def _no_revision(rev: str) -> Answer:
    return _refusal(404, "RevisionNotFound", f"Invalid rev id: {rev}")


def _xml(status: int, code: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code></Error>'
    return Answer(status, {"Content-Type": "application/xml"}, body.encode())


_SHORT = ("likes", "private", "downloads", "tags", "pipeline_tag", "library_name", "createdAt", "trendingScore")
_FULL = (*_SHORT, "author", "cardData", "gated", "gguf", "lastModified", "sha", "siblings", "disabled", "usedStorage")


def _tags(repository: Repository) -> list[str]:
    gguf = ["gguf"] if repository.holds_gguf else []
    return ["transformers", *gguf, *repository.tags, f"license:{repository.licence}", "region:us"]


def _figure(repository: Repository, sort: str) -> int | str:
    if sort in ("lastModified", "createdAt"):
        return repository.modified
    return repository.likes if sort == "likes" else repository.downloads


def _record(repository: Repository, sha: str, wanted: Collection[str]) -> dict[str, Any]:
    """One model as the API shows it; what it does not know of a property is left out, as there."""
    known: dict[str, Any] = {
        "author": repository.author,
        "cardData": {"license": repository.licence, "language": ["en"]},
        "createdAt": repository.modified,
        "disabled": False,
        "downloads": repository.downloads,
        "gated": repository.gated,
        "lastModified": repository.modified,
        "library_name": "transformers",
        "likes": repository.likes,
        "pipeline_tag": "text-generation",
        "private": repository.private,
        "sha": sha,
        "siblings": [{"rfilename": path} for path in repository.commits[sha]],
        "tags": _tags(repository),
        "trendingScore": 0,
        "usedStorage": sum(content.size for content in repository.commits[sha].values()),
    }
    if repository.gguf is not None:
        known["gguf"] = dict(repository.gguf)
    number = hashlib.sha1(repository.id.encode()).hexdigest()[:24]
    short = {} if set(wanted) - set(_FULL) or wanted not in (_SHORT, _FULL) else {"modelId": repository.id}
    return {"_id": number, "id": repository.id, **short, **{name: known[name] for name in wanted if name in known}}


def _rows(files: Mapping[str, Content], within: str, deep: bool) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for path, content in sorted(files.items()):
        if not path.startswith(within):
            continue
        parts = path.removeprefix(within).split("/")
        for depth in range(1, len(parts) if deep else min(len(parts), 2)):
            folder = within + "/".join(parts[:depth])
            oid = hashlib.sha1(folder.encode()).hexdigest()
            rows.setdefault(folder, {"type": "directory", "oid": oid, "size": 0, "path": folder})
        if deep or len(parts) == 1:
            rows[path] = _file_row(path, content)
    return list(rows.values())


def _file_row(path: str, content: Content) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "file", "oid": content.oid, "size": content.size}
    if is_lfs(path, content):
        row["lfs"] = {"oid": content.sha256, "size": content.size, "pointerSize": 135}
    return {**row, "path": path}
