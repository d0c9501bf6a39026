"""A model card of the Hub as Markdown that can be shown: no front matter, no HTML, no pictures.

Invariant: what comes out holds no HTML tag outside code, whatever the card is, and reading is linear in its length.
Links keep their address where it is one of the web; following one, and how Markdown looks, is `ui.markdown`'s.
"""

from __future__ import annotations

import re

LONGEST = 256 << 10  # characters; the longest of TheBloke's have 30,000
_FRONT = "---"
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_TAGS = (
    "a abbr address article aside audio b big blockquote body br button canvas caption center cite code col "
    "colgroup dd del details div dl dt em embed figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header "
    "hr html i iframe img input ins kbd label legend li link main mark meta nav object ol option p picture pre q "
    "samp script section select small source span strike strong style sub summary sup svg table tbody td textarea "
    "tfoot th thead title tr tt u ul video"
)
_BREAKING = frozenset(
    (
        "address article aside blockquote br caption center dd details div dl dt figcaption figure footer form header "
        "hr li main nav ol p section summary table tbody tfoot thead tr ul"
    ).split()
)
_BOLD, _SLANTED = frozenset({"b", "strong"}), frozenset({"i", "em"})
_UNSHOWN = frozenset({"script", "style", "head", "svg", "title", "textarea", "iframe", "object"})
# A code span in one line, a comment's beginning, or a tag. Each part stops at what it may not hold, so no text is read
# twice. `<s>` is no tag here: cards explain templates with it.
_PIECE = re.compile(rf"`[^`\n]+`|<!--|<(/?)({'|'.join(_TAGS.split())})(?=[\s/>])([^<>]*)>", re.IGNORECASE)
_BEGUN = re.compile(rf"<(?=(?:{'|'.join(_TAGS.split())})(?:[\s/>]|$))", re.IGNORECASE)  # and never ended
_ADDRESS = re.compile(r"href\s*=\s*[\"']?(https?://[^\"'\s<>()]+)", re.IGNORECASE)
_PICTURE = re.compile(r"!\[([^\[\]\n]{0,300})\]\([^()\s]{0,2000}(?:\s[^()\n]{0,300})?\)")
_LINK = re.compile(r"\[([^\[\]\n]{0,300})\]\(([^()\s]{0,2000})\)")
_MADE_FENCE = re.compile(r"^( {0,3})(?=```|~~~)", re.MULTILINE)  # what stood before it in the line was left out
_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def shown(readme: str) -> str:
    """The card's text below its front matter, without what a page of the web would need."""
    text = _without_front(readme[:LONGEST].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))
    found: list[str] = []
    prose: list[str] = []
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if not fence and not mark:
            prose.append(line)
            continue
        if prose:
            found.append(_prose("\n".join(prose)))
            prose = []
        found.append(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
    return "\n".join([*found, _prose("\n".join(prose))]).strip() + "\n"


def _without_front(text: str) -> str:
    """What follows the YAML between two lines of dashes at the very beginning."""
    if not text.startswith(_FRONT + "\n"):
        return text
    end = text.find("\n" + _FRONT, len(_FRONT))
    return text[end + 1 :].partition("\n")[2] if end >= 0 else text


def _prose(text: str) -> str:
    text = _Prose(text).text()
    text = _PICTURE.sub(lambda found: found[1], text)
    text = _MADE_FENCE.sub(r"\1\\", _LINK.sub(_link, text))
    return _EMPTY_LINES.sub("\n\n", text)


def _link(found: re.Match[str]) -> str:
    """A link without words goes with its picture; one into the repository, or the page, becomes words."""
    return found[0] if found[1].strip() and found[2].startswith(("http://", "https://", "mailto:")) else found[1]


class _Prose:
    """Text outside code blocks, its HTML turned into Markdown or left out."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._out: list[str] = []
        self._link: tuple[int, str] | None = None  # where an open link began, and its address

    def text(self) -> str:
        at = 0
        while found := _PIECE.search(self._text, at):
            self._keep(self._text[at : found.start()])
            at = self._piece(found)
        self._keep(self._text[at:])
        return "".join(self._out)

    def _keep(self, text: str) -> None:
        """Text behind a tag that broke the line loses its indentation: four blanks would make it code."""
        text = text.lstrip() if self._out and self._out[-1].endswith("\n") else text
        if text:
            self._out.append(_BEGUN.sub("< ", text))

    def _piece(self, found: re.Match[str]) -> int:
        """Takes one piece; where to go on reading."""
        if found[0].startswith("`"):
            self._out.append(found[0])
            return found.end()
        if self._out and self._out[-1].endswith("<"):
            self._out.append(" ")  # what follows must not become a tag
        if found[0] == "<!--":
            return self._after("-->", found.end())
        closing, name = bool(found[1]), found[2].lower()
        if name in _UNSHOWN and not closing:
            return self._after(f"</{found[2]}>", found.end())
        self._tag(name, closing, found[3])
        return found.end()

    def _after(self, end: str, at: int) -> int:
        """Behind the next `end`; behind everything if there is none, as a browser has it."""
        stop = self._text.find(end, at)
        return stop + len(end) if stop >= 0 else len(self._text)

    def _tag(self, name: str, closing: bool, attributes: str) -> None:
        if name == "a":
            self._close_link() if closing else self._open_link(attributes)
        elif name in _BOLD or name in _SLANTED:
            self._out.append("**" if name in _BOLD else "*")
        elif re.fullmatch(r"h[1-6]", name):
            self._out.append("\n\n" if closing else "\n\n" + "#" * int(name[1]) + " ")
        elif name in _BREAKING:
            self._out.append("\n- " if name == "li" and not closing else "\n\n" if name != "br" else "\n")
        elif name in ("td", "th") and closing:
            self._out.append("  ")

    def _open_link(self, attributes: str) -> None:
        self._close_link()
        address = _ADDRESS.search(attributes)
        if address:
            self._link = (len(self._out), address[1])
            self._out.append("[")

    def _close_link(self) -> None:
        if self._link is None:
            return
        begin, address = self._link
        words = " ".join("".join(self._out[begin + 1 :]).split())
        del self._out[begin:]
        self._out.append(f"[{words}]({address})" if words else "")
        self._link = None
