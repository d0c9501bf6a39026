"""A rendered prompt becomes tokens: what the template wrote is parsed, what people wrote never is.

Invariant: the tokens of a prompt that goes on from an earlier one begin with the very tokens the model saw and wrote
then, so that the KV cache serves again: an earlier reply is put back as it was generated, which need not be how its
text would be tokenised, with the white space that stood before it. The same text may have been generated in several
ways: that one is put back which what was read before, a `track`, goes on with. Nothing is computed here; of the model
only its vocabulary is used.

llama.cpp finds user-defined tokens in plain text, too. Those that a template uses (`matched`) are kept from forming
by cutting text after the first character of each.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from desktop.core.generation import Piece, PieceKind
from desktop.core.prefix import shared

_THOUGHTS = frozenset({"<think>", "</think>"})
_REMEMBERED = 1 << 18  # tokens of replies, 10 MB: more than nearly every context holds
_EACH = 16  # tokens whose memory a reply takes besides its own
_WAYS = 64  # of the same text; a word or two has a handful, bytes that are no text may have more


class Vocabulary(Protocol):
    """What is needed of `engine.llama.Model`."""

    bos: int  # -1 where the model wants none
    specials: dict[str, int]
    matched: frozenset[str]  # specials of two characters or more that `tokenise` finds in plain text

    def tokenise(self, text: str) -> list[int]: ...
    def piece(self, token: int) -> bytes: ...
    def strips(self, token: int) -> tuple[bool, bool]: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it was generated: its text, its tokens, and the white space of the prompt before it."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    lead: str = ""

    @property
    def trail(self) -> str:
        return self.text[len(self.text.rstrip()) :]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's tokens, and the reply at its end that is to be continued (empty for a new one).

    `marks` are how many tokens stand before each text and each reply: where a conversation is changed.
    """

    tokens: list[int]
    reply: Reply
    marks: tuple[int, ...] = ()


class Tokeniser:
    """Turns pieces into tokens with one model's vocabulary, and remembers that model's replies."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._heard = _Replies()
        self._chat, self._own = "", _Replies()  # of the chat that was named last
        self._forbidden = _beginnings(vocabulary.matched)
        self._forbidden_reply = _beginnings(vocabulary.matched - _THOUGHTS)
        self._guard = vocabulary.tokenise("\n")
        self._spaced = b"".join(map(vocabulary.piece, self._guard)) != b"\n"
        self._texts: dict[tuple[str, bool, re.Pattern[str]], list[int]] = {}  # of the prompt in hand

    def tokenise(self, pieces: Sequence[Piece], tracks: Iterable[Sequence[int]] = ()) -> Prompt:
        """Where replies were generated in several ways, that prompt which begins as one of the `tracks` for longest.

        Raises nothing: a special piece that this vocabulary lacks is text.
        """
        following = iter(tracks)
        best = self._along(next(following, ()), pieces)
        if best.doubtful is not None:
            begun = best.tokens[: best.doubtful]
            for track in following:
                if len(track) > best.agreed() and list(track[: len(begun)]) == begun:
                    best = max(best, self._along(track, pieces), key=_Way.agreed)
        self._texts.clear()
        return Prompt(best.tokens, best.reply, tuple(dict.fromkeys(best.marks)))

    @property
    def replies(self) -> list[Reply]:
        """What is remembered, what was heard last at the end."""
        return list(dict.fromkeys(reversed((*self._own.all(), *self._heard.all()))))[::-1]

    def learn(self, chat: str, replies: Iterable[Reply]) -> None:
        """Names the chat whose prompt comes next, and its replies of earlier times."""
        since = self._own.all() if chat == self._chat else []
        self._chat, self._own = chat, _Replies((*replies, *since))

    def forget(self, chat: str) -> None:
        """Drops a chat's replies, and what was heard whose it may be; those of the chat in hand are told apart."""
        self._heard = _Replies()
        if chat == self._chat:
            self._own = _Replies()

    def remember(self, before: Reply, text: str, tokens: Sequence[int]) -> None:
        """Keeps a reply; `before` is what the prompt ended with, the part it continued. Tokens without text are cut.

        Bytes that are no UTF-8 are shown as U+FFFD, and kept as the tokens they were.
        """
        decoder, shown, sure = codecs.getincrementaldecoder("utf-8")("replace"), "", 0
        for count, token in enumerate(tokens, 1):
            shown += decoder.decode(self._vocabulary.piece(token))
            unfinished = "\ufffd" if decoder.getstate()[0] else ""
            if shown + unfinished == text:
                sure = count
        whole = Reply(before.text + text, (*before.tokens, *tokens[:sure]), before.lead)
        if sure and whole.text.strip():
            self._own.add(whole)
            self._heard.add(whole)

    def _along(self, track: Sequence[int], pieces: Sequence[Piece]) -> _Way:
        way = _Way(track, self._opening(pieces))
        run: list[Piece] = []
        after_stripper = False
        for piece in pieces:
            special = self._vocabulary.specials.get(piece.text) if piece.kind is PieceKind.SPECIAL else None
            if special is None:
                run.append(piece)
                continue
            strips_left, strips_right = self._vocabulary.strips(special)
            self._run(run, way, after_stripper, strips_left)
            way.tokens.append(special)
            way.mark()
            run, after_stripper = [], strips_right
        way.reply = self._run(run, way, after_stripper, False, last=True)
        return way

    def _opening(self, pieces: Sequence[Piece]) -> list[int]:
        """The token that every prompt begins with, if the model wants one and the template has not put it there."""
        bos, specials = self._vocabulary.bos, self._vocabulary.specials
        if bos < 0:
            return []
        strips_left, _ = self._vocabulary.strips(bos)
        first = next((piece for piece in pieces if (piece.text.strip() if strips_left else piece.text)), None)
        there = first is not None and first.kind is PieceKind.SPECIAL and specials.get(first.text) == bos
        return [] if there else [bos]

    def _run(self, run: Sequence[Piece], way: _Way, strip_left: bool, strip_right: bool, last: bool = False) -> Reply:
        """Adds what lies between two special tokens; returns the reply that ends it, if one does.

        Texts are joined, replies put in, and the white space between them is as it was when they were generated. A
        reply at the end of the `last` run of a prompt is one to be continued.
        """
        begin = len(way.tokens)
        text: str | None = None  # since the reply
        reply: Reply | None = None

        def words(shown: str) -> list[int]:
            return self._text(shown.lstrip() if strip_left and not reply else shown, len(way.tokens) > begin)

        for index, piece in enumerate(run):
            open_end = last and index == len(run) - 1 and bool(piece.text)
            new = piece.text.removeprefix(reply.trail) if reply and text is None else piece.text
            known = self._known(piece, open_end, text, text is not None or reply is not None)
            leads = [words(text.rstrip() + one.lead) if text is not None else [] for one in known]
            options = [[*lead, *one.tokens] for lead, one in zip(leads, known, strict=True)]
            chosen = way.pick(options)
            if known and not open_end and not way.holds(options[chosen]):
                options.append(words((text or "") + new))  # it may have been read as a text like others
                chosen = way.pick(options)
            if chosen < len(known):
                reply, text = known[chosen], None
                way.tokens += leads[chosen]
                way.mark()
                way.tokens += reply.tokens
                way.mark()
            else:
                text = (text or "") + new
        if text is None:
            return reply or Reply()
        text = text.rstrip() if strip_right else text
        way.tokens += words(text)
        return Reply(lead=text[len(text.rstrip()) :])

    def _known(self, piece: Piece, open_end: bool, before: str | None, inside: bool) -> list[Reply]:
        """A reply as it may have been generated, the likeliest way first."""
        if piece.kind is not PieceKind.REPLY:
            return []
        known = dict.fromkeys((*reversed(self._own.of(piece.text)), *reversed(self._heard.of(piece.text))))
        if not open_end:
            return list(known)
        tokens = self._text(piece.text, inside, self._forbidden_reply)  # it may have stopped in thought
        unknown = Reply(piece.text, tuple(tokens), before[len(before.rstrip()) :] if before else "")
        return [*(one for one in known if one.text.lstrip() == piece.text.lstrip()), unknown]

    def _text(self, text: str, inside: bool, forbidden: re.Pattern[str] | None = None) -> list[int]:
        """Tokens of text, none of them a `forbidden` one, which are `matched` unless told."""
        key = (text, inside, forbidden or self._forbidden)
        if key not in self._texts:
            cuts = [0, *(match.start() + 1 for match in key[2].finditer(text)), len(text)]
            parts = (self._uncut(text[start:end], inside or start > 0) for start, end in pairwise(cuts))
            self._texts[key] = [token for part in parts for token in part]
        return self._texts[key]

    def _uncut(self, text: str, inside: bool) -> list[int]:
        """Tokens of text; `inside` a run the space that SPM models put before a text's first word is left out."""
        tokenise = self._vocabulary.tokenise
        if not (inside and text and self._spaced):
            return tokenise(text)
        guarded = tokenise("\n" + text)
        if guarded[: len(self._guard)] == self._guard:
            return guarded[len(self._guard) :]
        return tokenise(text)


class _Way:
    """A prompt's tokens as they grow: of a reply's ways that is taken with which the `track` goes on."""

    def __init__(self, track: Sequence[int], opening: Sequence[int]) -> None:
        self.tokens = list(opening)
        self.marks: list[int] = []
        self.reply = Reply()
        self.doubtful: int | None = None  # tokens before the first reply that has several ways
        self._track = track
        self._agreed = 0  # tokens that are as in the track, as far as was looked

    def mark(self) -> None:
        self.marks.append(len(self.tokens))

    def pick(self, options: Sequence[Sequence[int]]) -> int:
        """Which of some ways to go on is the track's; the first where it tells nothing."""
        if all(option == options[0] for option in options):
            return 0
        if self.doubtful is None:
            self.doubtful = len(self.tokens)
        at = self.agreed()
        if at < len(self.tokens):
            return 0
        fits = [self._fits(at, option) for option in options]
        return fits.index(max(fits))

    def holds(self, tokens: Sequence[int]) -> bool:
        """Whether the track goes on with these tokens, as far as it goes."""
        at = self.agreed()
        return at == len(self.tokens) and self._fits(at, tokens)[1]

    def agreed(self) -> int:
        """How many tokens are as in the track."""
        least, most = self._agreed, min(len(self.tokens), len(self._track))
        step = most - least
        while step and least < most:  # comparing slices is far faster than comparing their items
            same = list(self._track[least : least + step]) == self.tokens[least : least + step]
            least, step = (least + step, step) if same else (least, step // 2)
        self._agreed = min(least, most)
        return self._agreed

    def _fits(self, at: int, tokens: Sequence[int]) -> tuple[int, bool]:
        """How many of the tokens stand in the track there, and whether nothing stands against the others."""
        rest = self._track[at : at + len(tokens)]
        same = shared(list(tokens), list(rest))
        return same, same == len(rest)


class _Replies:
    """Replies by their text, each in the ways in which it was generated, bounded."""

    def __init__(self, replies: Iterable[Reply] = ()) -> None:
        self._ways: dict[str, list[Reply]] = {}  # the latest at the end
        self._size = 0
        for reply in replies:
            self.add(reply)

    def of(self, text: str) -> list[Reply]:
        return self._ways.get(text.strip(), [])

    def all(self) -> list[Reply]:
        return [reply for ways in self._ways.values() for reply in ways]

    def add(self, reply: Reply) -> None:
        """Remembers a reply, or that it came again; the oldest goes for it if need be."""
        key = reply.text.strip()
        ways = self._ways[key] = self._ways.pop(key, [])
        if reply in ways:
            ways.remove(reply)
            self._size -= _EACH + len(reply.tokens)
        ways.append(reply)
        self._size += _EACH + len(reply.tokens)
        while self._size > _REMEMBERED or len(ways) > _WAYS:
            oldest = key if len(ways) > _WAYS else next(iter(self._ways))
            self._size -= _EACH + len(self._ways[oldest].pop(0).tokens)
            if not self._ways[oldest]:
                del self._ways[oldest]


def _beginnings(texts: Set[str]) -> re.Pattern[str]:
    """Finds where any of the texts begins, those within one another too: cut there, none is left whole."""
    return re.compile(f"(?={'|'.join(map(re.escape, texts))})" if texts else r"(?!)")
