"""Short ways to say prompts and to hear replies."""

from __future__ import annotations

from collections.abc import Iterable

from desktop.core.generation import (
    Appended,
    Finished,
    GenerateEvent,
    GenerateRequest,
    Piece,
    PieceKind,
    Sampling,
)
from desktop.engine.conversation import Conversation

GREEDY = Sampling(temperature=0, repeat_penalty=1)


def special(text: str) -> Piece:
    return Piece(PieceKind.SPECIAL, text)


def text(words: str) -> Piece:
    return Piece(PieceKind.TEXT, words)


def reply(words: str) -> Piece:
    return Piece(PieceKind.REPLY, words)


def ask(*words: str) -> tuple[Piece, ...]:
    """Turns, the person's first, up to where the model answers: `ask("q", "a", "q")`."""
    pieces = [special("<s>")]
    for index, said in enumerate(words):
        pieces += [special("<|assistant|>"), reply(said)] if index % 2 else [special("<|user|>"), text(said)]
        pieces.append(special("</s>"))
    return (*pieces, special("<|assistant|>"))


def said(events: Iterable[GenerateEvent]) -> str:
    return "".join(e.text for e in events if isinstance(e, Appended))


def end(events: Iterable[GenerateEvent]) -> Finished:
    return next(e for e in events if isinstance(e, Finished))


def answer(conversation: Conversation, prompt: tuple[Piece, ...], sampling: Sampling = GREEDY) -> list[GenerateEvent]:
    events: list[GenerateEvent] = []
    conversation.generate(GenerateRequest(prompt, sampling), events.append)
    return events
