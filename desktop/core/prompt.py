"""A conversation becomes prompt pieces through a chat template.

Invariants: the words of people, documents and models can never form a control token (`</s>` typed by a user stays
text); a conversation rendered again with one more turn begins with the same pieces as before, so that the KV cache
holds. What fits the context is decided in `window`; tokens are the engine's affair.

How the first invariant is kept: before rendering, the first character of every control token found in a content is
exchanged for a Unicode noncharacter, which survives whatever the template does (trim, split, join); after rendering,
control tokens are recognised, then the exchange is undone. Noncharacters that people send become U+FFFD.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from desktop.core.chat import Opening, Role, Turn
from desktop.core.errors import N_, TemplateError
from desktop.core.generation import Piece, PieceKind
from desktop.core.sandbox import EndlessTemplate, render
from desktop.core.templates import ChatTemplate

_NONCHARACTERS = "".join(map(chr, range(0xFDD0, 0xFDF0)))  # reserved for use inside a program (Unicode 23.7)
_GUARD, _REPLY_START, _REPLY_END = list(_NONCHARACTERS[-3:])
_STANDINS = _NONCHARACTERS[:-3]
_THOUGHTS = re.compile(r"\A\s*(?:<think>)?(?:(?!<think>).)*?</think>\s*", re.DOTALL)  # some prompts open the tag


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a template must know of a model's tokens: texts of BOS, EOS and of all control tokens."""

    bos: str
    eos: str
    special: tuple[str, ...]


class _Disguise:
    """Exchanges the first character of control tokens in contents, and back."""

    def __init__(self, special: Sequence[str]) -> None:
        texts = {s for s in special if s}
        firsts = [first for first, _ in Counter(t[0] for t in texts).most_common(len(_STANDINS))]
        self._there = dict(zip(firsts, _STANDINS, strict=False))
        self._back = str.maketrans({v: k for k, v in self._there.items()} | {_GUARD: ""})
        self._known = {t for t in texts if t[0] in self._there}
        self._openings = {t[:2] for t in self._known}
        self._lengths = sorted({len(t) for t in self._known}, reverse=True)
        self._first = re.compile("|".join(map(re.escape, firsts)) or r"(?!)")
        self._heads = {t[:n] for t in self._known for n in range(1, len(t))}
        self._tails = {t[n:] for t in self._known for n in range(1, len(t))}
        self._all = "\ufdd0".join(self._known)

    def on(self, content: str) -> str:
        content = re.sub(f"[{_NONCHARACTERS}]", "\ufffd", content)
        exchanged = self._first.sub(lambda m: self._there[m[0]] if self._at(content, m.start()) else m[0], content)
        return self._guarded(exchanged)

    def off(self, text: str) -> str:
        return text.translate(self._back)

    def tokens(self, text: str) -> Iterator[tuple[int, str]]:
        """Control tokens and where they begin, the longest first where two begin, none within another."""
        end = 0
        for match in self._first.finditer(text):
            if match.start() >= end and (token := self._at(text, match.start())):
                yield match.start(), token
                end = match.start() + len(token)

    def _at(self, text: str, start: int) -> str:
        """The longest control token that begins here, or ""."""
        if text[start : start + 2] not in self._openings and text[start] not in self._known:
            return ""  # nearly always, in a paste full of "<"
        return next((t for n in self._lengths if (t := text[start : start + n]) in self._known), "")

    def _guarded(self, content: str) -> str:
        """A guard where an edge could be part of a token that the template's own words complete.

        Templates may trim, so it stands within outer white space; only a token with white space needs it outside too.
        """
        core = content.strip()
        if core == content:
            return self._edged(content)
        start = content.index(core)
        return self._edged(content[:start] + self._edged(core) + content[start + len(core) :])

    def _edged(self, text: str) -> str:
        longest = self._lengths[0] if self._lengths else 0
        inner = bool(text) and len(text) < longest and text in self._all
        before = inner or any(text[:n] in self._tails for n in range(1, longest))
        after = inner or any(text[-n:] in self._heads for n in range(1, longest))
        return f"{_GUARD if before else ''}{text}{_GUARD if after else ''}"


def pieces(
    template: ChatTemplate,
    opening: Opening,
    turns: Sequence[Turn],
    vocabulary: Vocabulary,
    now: datetime,
) -> tuple[Piece, ...]:
    """The prompt for the next reply. If the last turn is the assistant's, the reply goes on from its text.

    Raises `TemplateError` if the template cannot render this conversation in any of the ways models are addressed:
    with a system turn, with the instruction in the first user turn, with turns merged so that roles alternate.
    """
    if opening.completion:
        return _completion(opening, turns)
    begun = turns[-1].text if turns and turns[-1].role is Role.ASSISTANT else ""
    asked = turns[:-1] if turns and turns[-1].role is Role.ASSISTANT else turns
    disguise = _Disguise(vocabulary.special)
    text = _rendered(template, [*opening.turns, *asked], opening.instruction, vocabulary, disguise, now)
    found = _split(text, disguise)
    if begun:
        found.append(Piece(PieceKind.REPLY, begun))
    return tuple(found)


def said(turn: Turn) -> str:
    """What of a turn is sent again: all a person wrote, a reply without its thoughts and outer white space."""
    return turn.text if turn.role is not Role.ASSISTANT else _THOUGHTS.sub("", turn.text, count=1).strip()


def exact_text(prompt: Sequence[Piece]) -> str:
    """The prompt as one text, for showing."""
    return "".join(piece.text for piece in prompt)


def _completion(opening: Opening, turns: Sequence[Turn]) -> tuple[Piece, ...]:
    """A base model reads what is there and goes on: no roles, no template."""
    parts = [opening.instruction, *(t.text for t in opening.turns)]
    found = [Piece(PieceKind.TEXT, text) for text in parts if text]
    for turn in turns:
        kind = PieceKind.REPLY if turn.role is Role.ASSISTANT else PieceKind.TEXT
        if turn.text:
            found.append(Piece(kind, turn.text))
    return tuple(found)


def _rendered(
    template: ChatTemplate,
    turns: list[Turn],
    instruction: str,
    vocabulary: Vocabulary,
    disguise: _Disguise,
    now: datetime,
) -> str:
    system = [Turn(Role.SYSTEM, instruction)] if instruction else []
    folded = _folded(instruction, turns)
    first_fault: TemplateError | None = None
    tried: list[list[Turn]] = []
    for attempt in ([*system, *turns], folded, [*system, *_merged(turns)], _merged(folded)):
        if attempt in tried:
            continue
        tried.append(attempt)
        try:
            text = _once(template, attempt, vocabulary, disguise, now)
        except EndlessTemplate:
            raise
        except TemplateError as fault:
            first_fault = first_fault or fault
            continue
        if _carries(disguise.off(text), instruction, turns):
            return text
    if first_fault is not None:
        raise first_fault
    raise TemplateError(N_("The model's chat template leaves the instruction out. Choose another template."))


def _carries(text: str, instruction: str, turns: Sequence[Turn]) -> bool:
    """Whether the template let the instruction through: some drop a system turn without a word."""
    probe = re.sub(f"[{_NONCHARACTERS}]", "\ufffd", instruction.strip()[:200])
    return not probe or text.count(probe) > sum(turn.text.count(probe) for turn in turns)


def _once(
    template: ChatTemplate, turns: Sequence[Turn], vocabulary: Vocabulary, disguise: _Disguise, now: datetime
) -> str:
    variables: dict[str, object] = {
        "messages": [{"role": str(t.role), "content": _content(t, disguise)} for t in turns],
        "bos_token": vocabulary.bos,
        "eos_token": vocabulary.eos,
        "add_generation_prompt": True,
        "tools": None,
        "documents": None,
    }
    return render(template.source, variables, now)


def _content(turn: Turn, disguise: _Disguise) -> str:
    """A turn's text in disguise. A reply goes without its thoughts and outer white space, and is marked as one."""
    if turn.role is not Role.ASSISTANT:
        return disguise.on(turn.text)
    text = disguise.on(said(turn))
    return f"{_REPLY_START}{text}{_REPLY_END}" if text else ""


def _folded(instruction: str, turns: Sequence[Turn]) -> list[Turn]:
    """The instruction moved into the first user turn, for models without a system role."""
    if not instruction:
        return list(turns)
    for index, turn in enumerate(turns):
        if turn.role is Role.USER:
            first = replace(turn, text=f"{instruction}\n\n{turn.text}")
            return [*turns[:index], first, *turns[index + 1 :]]
    return [Turn(Role.USER, instruction), *turns]


def _merged(turns: Sequence[Turn]) -> list[Turn]:
    """Neighbours of one role joined, and a user turn first: what a template that insists on alternation accepts."""
    found: list[Turn] = []
    for turn in turns:
        if found and found[-1].role is turn.role:
            found[-1] = replace(turn, text=f"{found[-1].text}\n\n{turn.text}")
        else:
            found.append(turn)
    if found and found[0].role is Role.ASSISTANT:
        found.insert(0, Turn(Role.USER, "…"))
    return found


def _split(text: str, disguise: _Disguise) -> list[Piece]:
    """Control tokens, replies and the text between, in order, with the disguise taken off."""
    found: list[Piece] = []
    position = 0
    for start, token in disguise.tokens(text):
        found += _texts(text[position:start], disguise)
        found.append(Piece(PieceKind.SPECIAL, token))
        position = start + len(token)
    return found + _texts(text[position:], disguise)


def _texts(run: str, disguise: _Disguise) -> list[Piece]:
    """A run without control tokens: TEXT, and REPLY where both marks of a reply are left."""
    found: list[Piece] = []
    for index, part in enumerate(re.split(f"{_REPLY_START}([^{_REPLY_START}{_REPLY_END}]*){_REPLY_END}", run)):
        plain = disguise.off(part.replace(_REPLY_START, "").replace(_REPLY_END, ""))
        if plain:
            found.append(Piece(PieceKind.REPLY if index % 2 else PieceKind.TEXT, plain))
    return found
