"""A rendered prompt becomes tokens: what the template wrote is parsed, what people wrote never is.

Invariant: the tokens of a prompt that goes on from an earlier one begin with the very tokens the model saw and wrote
then, so that the KV cache serves again: an earlier reply is put back as it was generated, which need not be how its
text would be tokenised, with the white space that stood before it. Nothing is computed here; of the model only its
vocabulary is used.

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

_THOUGHTS = frozenset({"<think>", "</think>"})
_REMEMBERED = 256  # replies; a chat of more turns has long left every context


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
        self._known: dict[str, Reply] = {}
        self._forbidden = _beginnings(vocabulary.matched)
        self._forbidden_reply = _beginnings(vocabulary.matched - _THOUGHTS)
        self._guard = vocabulary.tokenise("\n")
        self._spaced = b"".join(map(vocabulary.piece, self._guard)) != b"\n"

    def tokenise(self, pieces: Sequence[Piece]) -> Prompt:
        """Raises nothing: a special piece that this vocabulary lacks is text."""
        tokens: list[int] = []
        marks: list[int] = []
        run: list[Piece] = []
        after_stripper = False
        for piece in pieces:
            special = self._vocabulary.specials.get(piece.text) if piece.kind is PieceKind.SPECIAL else None
            if special is None:
                run.append(piece)
                continue
            strips_left, strips_right = self._vocabulary.strips(special)
            self._run(self._parts(run, last=False), after_stripper, strips_left, tokens, marks)
            tokens.append(special)
            marks.append(len(tokens))
            run, after_stripper = [], strips_right
        reply = self._run(self._parts(run, last=True), after_stripper, False, tokens, marks)
        if self._vocabulary.bos >= 0 and tokens[:1] != [self._vocabulary.bos]:
            tokens.insert(0, self._vocabulary.bos)
            marks = [mark + 1 for mark in marks]
        return Prompt(tokens, reply, tuple(dict.fromkeys(marks)))

    @property
    def replies(self) -> list[Reply]:
        """What is remembered, the oldest first."""
        return list(self._known.values())

    def learn(self, replies: Iterable[Reply]) -> None:
        """Remembers replies of earlier times; what was heard since wins."""
        known = {reply.text.strip(): reply for reply in replies} | self._known
        self._known = dict(list(known.items())[-_REMEMBERED:])

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
        if not sure:
            return
        whole = Reply(before.text + text, (*before.tokens, *tokens[:sure]), before.lead)
        key = whole.text.strip()
        if key:
            self._known.pop(key, None)
            self._known[key] = whole
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def _run(
        self, parts: list[str | Reply], strip_left: bool, strip_right: bool, tokens: list[int], marks: list[int]
    ) -> Reply:
        """Adds the tokens of what lies between two special tokens; returns its last reply if that ends it."""
        texts = [i for i, part in enumerate(parts) if isinstance(part, str)]
        for index in texts:
            text = str(parts[index])
            if index == 0 and strip_left:
                text = text.lstrip()
            if index == len(parts) - 1 and strip_right:
                text = text.rstrip()
            parts[index] = text
        begin = len(tokens)
        for part in parts:
            if isinstance(part, Reply):
                marks.append(len(tokens))
                tokens += part.tokens
                marks.append(len(tokens))
            else:
                tokens += self._text(part, inside=len(tokens) > begin)
        last = parts[-1] if parts else ""
        return last if isinstance(last, Reply) else Reply(lead=last[len(last.rstrip()) :])

    def _parts(self, pieces: Sequence[Piece], last: bool) -> list[str | Reply]:
        """Texts joined, replies put in, and the white space between them as it was when they were generated.

        A reply at the end of the `last` run of a prompt is one to be continued.
        """
        parts: list[str | Reply] = []
        for index, piece in enumerate(pieces):
            before = parts[-1] if parts else None
            open_end = last and index == len(pieces) - 1 and piece.kind is PieceKind.REPLY and bool(piece.text)
            reply = self._recall(piece, open_end, before)
            if reply is not None:
                if isinstance(before, str):
                    parts[-1] = before.rstrip() + reply.lead
                parts.append(reply)
            elif isinstance(before, str):
                parts[-1] = before + piece.text
            elif isinstance(before, Reply):
                parts.append(piece.text.removeprefix(before.trail))
            else:
                parts.append(piece.text)
        return parts

    def _recall(self, piece: Piece, open_end: bool, before: str | Reply | None) -> Reply | None:
        if piece.kind is not PieceKind.REPLY:
            return None
        known = self._known.get(piece.text.strip())
        if known is not None and not (open_end and known.text.lstrip() != piece.text.lstrip()):
            return known
        if not open_end:
            return None
        lead = before[len(before.rstrip()) :] if isinstance(before, str) else ""
        tokens = self._text(piece.text, before is not None, self._forbidden_reply)  # it may have stopped in thought
        return Reply(piece.text, tuple(tokens), lead)

    def _text(self, text: str, inside: bool, forbidden: re.Pattern[str] | None = None) -> list[int]:
        """Tokens of text, none of them a `forbidden` one, which are `matched` unless told."""
        cuts = [0, *(match.start() + 1 for match in (forbidden or self._forbidden).finditer(text)), len(text)]
        tokens: list[int] = []
        for start, end in pairwise(cuts):
            tokens += self._uncut(text[start:end], inside or start > 0)
        return tokens

    def _uncut(self, text: str, inside: bool) -> list[int]:
        """Tokens of text; `inside` a run the space that SPM models put before a text's first word is left out."""
        tokenise = self._vocabulary.tokenise
        if not (inside and text and self._spaced):
            return tokenise(text)
        guarded = tokenise("\n" + text)
        if guarded[: len(self._guard)] == self._guard:
            return guarded[len(self._guard) :]
        return tokenise(text)


def _beginnings(texts: Set[str]) -> re.Pattern[str]:
    """Finds where any of the texts begins, those within one another too: cut there, none is left whole."""
    return re.compile(f"(?={'|'.join(map(re.escape, texts))})" if texts else r"(?!)")
