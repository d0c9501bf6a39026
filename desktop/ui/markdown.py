"""Replies as they are written: Markdown cut into segments while it grows, and each segment as HTML safe to show.

Invariant: cutting is linear in the text, because only what follows the last settled segment is read again; a segment
never exceeds a few thousand characters, whatever the text is, so that showing one is always quick. The HTML holds no
tag that the text brought along, loads nothing, and links only to web and mail addresses. Nothing here knows a widget.

CommonMark with tables and strikethrough, by markdown-it-py; a line break in the text stays one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

LIMIT = 1_200  # characters a segment aims at; markdown and layout of one then take about 3 ms on a slow core
LINES = 40  # and lines of source: a row of a table costs more than its characters
_HARD = 1.5  # a single block so many times larger is cut
_WINDOW = 8 * LIMIT  # read at once; holds several segments, so that cutting gets on
_HEAD = 600  # a longer opening of a code block or header of a table is not repeated
_NESTING = 20  # of quotes and lists; deeper ones are shown as text
_SCHEMES = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_CLOSE = re.compile(r"(?<!`)</think(?:ing)?>(?!`)")
_OPEN = re.compile(r"\s*<think(?:ing)?>")
_SPLITS = ("\n", "。", ". ", " ")  # where a long paragraph is cut, best first


class Kind(StrEnum):
    TEXT = "text"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of blocks (`source` is Markdown), or a part of one code block (`source` is the code itself)."""

    kind: Kind
    source: str
    language: str = ""
    continued: bool = False  # the code block, or the paragraph, began in the segment before
    goes_on: bool = False  # the code block, or the paragraph, goes on in the next segment


@dataclass(frozen=True, slots=True)
class Thoughts:
    """A reply taken apart: what was thought, whether that has ended, and the answer proper."""

    text: str
    ended: bool
    answer: str


def split_thoughts(text: str, started: bool = False) -> Thoughts | None:
    """The thoughts that a reply begins with, or None. `started`: the template had already opened them.

    A `</think>` without its opening means that the reply began inside the thoughts.
    """
    opened = _OPEN.match(text)
    begin = opened.end() if opened else 0
    close = _CLOSE.search(text, begin)
    if close:
        return Thoughts(text[begin : close.start()].strip(), True, text[close.end() :].lstrip("\n"))
    if opened or started:
        return Thoughts(text[begin:].strip(), False, "")
    return None


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    token: Token

    @property
    def code(self) -> bool:
        return self.token.level == 0 and self.token.type in ("fence", "code_block")


class Segments:
    """A text cut into segments while it grows. `settled` only ever gets longer; `live` is what may still change."""

    def __init__(self, text: str = "") -> None:
        self.settled: list[Segment] = []
        self.live: list[Segment] = []
        self._tail = ""
        self._prefix = ""  # what a block that was cut needs before its rest, to be read as what it is
        self._joined = False  # whether the tail goes on with the paragraph that the last settled segment ends in
        self.append(text)

    def append(self, text: str) -> None:
        """Reads more text; only the tail is read again."""
        self._tail += text.replace("\r\n", "\n").replace("\r", "\n")
        while self._settle():
            pass

    def _settle(self) -> bool:
        """Moves finished segments out of the tail; true if there may be more."""
        source = self._prefix + self._tail[:_WINDOW]
        groups = list(_groups(source))
        for group in groups:
            start, end = group[0].start, group[-1].end
            if _weight(source, start, end) > _HARD + _weight(self._prefix, 0, len(self._prefix)):
                if start == 0:
                    self._cut(source, group[0])
                else:
                    self._drop(start, "")
                return True
            if group is groups[-1]:
                break
            self.settled.append(self._segment(source, group))
        if len(self._tail) > _WINDOW:
            self._drop(groups[-1][0].start if groups else len(source), "")
            return True
        if len(groups) > 1:
            self._drop(groups[-1][0].start, "")
            source = self._tail
            groups = list(_groups(source))
        self.live = [self._segment(source, groups[-1])] if groups else []
        return False

    def _segment(self, source: str, group: Sequence[_Block]) -> Segment:
        first = group[0]
        if first.code:
            continued = bool(self._prefix) and first.start == 0
            return Segment(Kind.CODE, first.token.content.rstrip("\n"), _language(first.token), continued)
        return Segment(Kind.TEXT, source[first.start : group[-1].end], continued=self._joined and first.start == 0)

    def _cut(self, source: str, block: _Block) -> None:
        """Settles all but the last part of one block that is too long."""
        head, continued = _head(source, block), bool(self._prefix)
        joined, at = self._joined, len(head)
        while True:
            end = _split_at(source, at)
            part = source[at:end]
            if block.code:
                code = part.rstrip("\n")
                self.settled.append(Segment(Kind.CODE, code, _language(block.token), continued, goes_on=True))
            else:
                goes_on = block.token.type == "paragraph_open" and bool(source[end:].strip())
                self.settled.append(Segment(Kind.TEXT, head + part, continued=joined, goes_on=goes_on))
                joined = goes_on
            at, continued = end, True
            if _weight(source, at, block.end) <= _HARD:
                break
        self._drop(at, head, joined=joined)

    def _drop(self, at: int, prefix: str, *, joined: bool = False) -> None:
        self._tail = self._tail[at - len(self._prefix) :]
        self._prefix, self._joined = prefix, joined


def _parser(*, inline: bool) -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": _NESTING}, renderer_cls=_Renderer)
    made.enable(["table", "strikethrough"] if inline else ["table"])
    if not inline:
        made.disable(["inline"])
    made.validateLink = lambda url: _SCHEMES.match(url) is not None  # type: ignore[method-assign]
    return made


def _blocks(source: str) -> list[_Block]:
    """The top-level blocks, where an item of a list counts as one; together they cover the source."""
    lines = [0, *accumulate(len(line) + 1 for line in source.split("\n"))]
    starts: list[tuple[int, Token]] = []
    for token in _BLOCKS.parse(source):
        item = token.level == 1 and token.type == "list_item_open"
        top = token.level == 0 and token.nesting >= 0 and not token.type.endswith("list_open")
        if token.map and (item or top):
            starts.append((lines[min(token.map[0], len(lines) - 1)], token))
    if not starts and source.strip():
        starts = [(0, Token("paragraph_open", "p", 1))]  # only link definitions
    ends = [*(start for start, _ in starts[1:]), len(source)] if starts else []
    begins = [0, *(start for start, _ in starts[1:])] if starts else []
    return [_Block(b, e, token) for b, e, (_, token) in zip(begins, ends, starts, strict=True)]


def _weight(source: str, start: int, end: int) -> float:
    """The size of a part of the source; 1 is what a segment aims at."""
    return max((end - start) / LIMIT, source.count("\n", start, end) / LINES)


def _groups(source: str) -> Iterator[list[_Block]]:
    """Neighbouring blocks up to the size of a segment; code and what is too long stand alone."""
    group: list[_Block] = []
    for block in _blocks(source):
        alone = block.code or _weight(source, block.start, block.end) > _HARD
        if group and (alone or _weight(source, group[0].start, block.end) > 1):
            yield group
            group = []
        group.append(block)
        if alone:
            yield group
            group = []
    if group:
        yield group


def _language(token: Token) -> str:
    return token.info.strip().split(maxsplit=1)[0][:40] if token.info.strip() else ""


def _head(source: str, block: _Block) -> str:
    """What must stand before the rest of a cut block: the opening of a code block, the header of a table."""
    lines = {"fence": 1, "table_open": 2}.get(block.token.type, 0)
    head = "".join(line + "\n" for line in source.split("\n", lines)[:lines])
    return head if len(head) <= _HEAD else ""


def _split_at(source: str, begin: int) -> int:
    """The best place to cut within the size of a segment."""
    end = begin + LIMIT
    at = begin
    for _line in range(LINES):
        at = source.find("\n", at, end) + 1
        if not at:
            break
    else:
        return at
    for mark in _SPLITS:
        found = source.rfind(mark, begin + LIMIT // 2, end)
        if found >= 0:
            return found + len(mark)
    return end


class _Renderer(RendererHTML):
    """What Qt's rich text can draw well, and nothing that it would fetch."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        text = escape(token.content or str(token.attrs.get("src", "")))
        if env.get("linked"):
            return text
        return f'<a href="{escape(str(token.attrs.get("src", "")))}">{text}</a>'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        env["linked"] = True
        return f'<a href="{escape(str(tokens[idx].attrs.get("href", "")))}">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        env["linked"] = False
        return "</a>"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<p class="{tokens[idx].tag}">'  # Qt would enlarge a heading by its own scale too

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</p>"

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<pre>{escape(tokens[idx].content.rstrip())}</pre>"

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.fence(tokens, idx, options, env)

    def blockquote_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<table class="quote" width="100%" cellspacing="0"><tr><td class="quote">'

    def blockquote_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</td></tr></table>"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<table class="data" cellspacing="0">'

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<th align="{_alignment(tokens[idx])}">'

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<td align="{_alignment(tokens[idx])}">'


def _alignment(cell: Token) -> str:
    """As an attribute: a style of its own would make Qt forget the cell's border."""
    return str(cell.attrs.get("style", "text-align:left")).removeprefix("text-align:")


_BLOCKS = _parser(inline=False)
_WHOLE = _parser(inline=True)


def html(source: str) -> str:
    """A segment of Markdown as HTML for Qt's rich text."""
    return str(_WHOLE.render(source))


def plain(source: str) -> str:
    """A segment of Markdown as it is said aloud: without its marks."""
    said = []
    for token in _WHOLE.parse(source):
        said += [child.content or (" " if child.type.endswith("break") else "") for child in token.children or ()]
        said.append(" ")  # between blocks
    return " ".join("".join(said).split())
