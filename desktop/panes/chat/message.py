"""One message as the transcript shows it: the stored message, what is said of it, and its text cut into parts.

Invariant: `MessageView` is a value; a change is a new one given to `Transcript.update_message`. Nothing here touches a
widget.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop.core.chat import Message, Role
from desktop.core.errors import N_
from desktop.core.generation import StopReason
from desktop.ui import formats
from desktop.ui.markdown import Segments, split_thoughts
from desktop.ui.translation import _, ngettext

_TAG = len("</thinking>")
_SOON_S = 0.1  # what `formats.duration` tells at least
_EVEN = 100  # tokens a second, from which nobody counts tenths
_FEW, _SHORT_S = 8, 0.25  # tokens, seconds: of less the speed is chance, and can come out in thousands; no source
_PIECE = 3_000  # characters of plain text shown by one widget


@dataclass(frozen=True, slots=True)
class MessageView:
    """`version` counts from 1. `starts_thinking`: the template opened the thoughts, so the reply has no `<think>`.

    `unanswered`: the person's message has no reply and waits for none. `status`, in the person's language, is shown
    while nothing has been written yet.
    """

    message: Message
    version: int = 1
    versions: int = 1
    last: bool = False
    streaming: bool = False
    can_continue: bool = False
    unanswered: bool = False
    starts_thinking: bool = False
    status: str = ""

    @property
    def id(self) -> str:
        return self.message.id

    @property
    def reply(self) -> bool:
        return self.message.role is Role.ASSISTANT


ENDINGS = {
    StopReason.CANCELLED: N_("stopped by you"),
    StopReason.LENGTH: N_("longest answer reached"),
    StopReason.CONTEXT: N_("context full"),
    StopReason.MEMORY: N_("memory was running out"),
    StopReason.DIED: N_("interrupted"),
}


def pace(tokens_per_s: float) -> str:
    """How fast a reply was written; a tenth of a token is told only where it makes a difference."""
    return _("{speed} tokens/s", speed=formats.number(tokens_per_s, 1 if tokens_per_s < _EVEN else 0))


def speed(message: Message) -> float:
    """Tokens a second; 0 where so little was written that nobody can tell."""
    tokens, speed = message.usage.completion_tokens, message.timings.generation_per_s
    return speed if tokens >= _FEW and tokens >= _SHORT_S * speed else 0.0


def _wait(seconds: float) -> str:
    return formats.duration(seconds) if seconds >= _SOON_S / 2 else f"< {formats.duration(_SOON_S)}"


def statistics(message: Message) -> str:
    """What a reply took, in one line; "" where nothing is known."""
    usage, timings = message.usage, message.timings
    parts = [_(ENDINGS[message.stop_reason])] if message.stop_reason in ENDINGS else []
    if usage.completion_tokens:
        tokens = formats.number(usage.completion_tokens)
        parts.append(ngettext("{tokens} token", "{tokens} tokens", usage.completion_tokens, tokens=tokens))
    if written_at := speed(message):
        parts.append(pace(written_at))
    if timings.first_token_s > 0:
        parts.append(_("first word {time}", time=_wait(timings.first_token_s)))
    stopped_early = message.stop_reason in (StopReason.CANCELLED, StopReason.MEMORY) and not timings.first_token_s
    if usage.prompt_tokens and not stopped_early:  # else nobody knows how far the reading came
        fresh = usage.prompt_tokens - usage.cached_tokens
        read = formats.number(fresh)
        cached = formats.number(usage.cached_tokens)
        if usage.cached_tokens:
            said = ngettext(
                "{read} read, {cached} from cache",
                "{read} read, {cached} from cache",
                fresh,
                read=read,
                cached=cached,
            )
            parts.append(said)
        else:
            parts.append(ngettext("{read} read", "{read} read", fresh, read=read))
    return " · ".join(parts)


class Reply:
    """The text of a reply while it grows: thoughts and answer, each cut into segments. Linear in the text."""

    def __init__(self, text: str = "", starts_thinking: bool = False) -> None:
        self._starts_thinking = starts_thinking
        self._parts: list[str] = []
        self._undecided = True  # whether the text begins with a tag
        self._tail = ""  # a tag may arrive in pieces
        self.thoughts: Segments | None = None
        self.thinking = False
        self.answer = Segments()
        self.append(text)

    @property
    def text(self) -> str:
        return "".join(self._parts)

    @property
    def answer_text(self) -> str:
        """The reply without its thoughts."""
        found = split_thoughts(self.text, self._starts_thinking)
        return self.text if found is None else found.answer

    def append(self, text: str) -> None:
        """More text as the model writes it."""
        self._parts.append(text)
        self._tail = self._tail[-_TAG:] + text
        closing = "</think" in self._tail and (self.thoughts is None or self.thinking)
        if self._undecided or closing:
            self._read_again()
        elif self.thinking and self.thoughts is not None:
            self.thoughts.append(text)
        else:
            self.answer.append(text)

    def _read_again(self) -> None:
        text = self.text
        found = split_thoughts(text, self._starts_thinking)
        self.thinking = found is not None and not found.ended
        self.thoughts = Segments(found.text) if found is not None else None
        self._undecided = found is None and "<thinking>".startswith(text.strip())
        self.answer = Segments(found.answer if found is not None else "" if self._undecided else text)


def pieces(text: str) -> list[str]:
    """What a person wrote, cut at line ends into parts that are quick to show; joined they are the text."""
    found: list[str] = []
    at = 0
    while len(text) - at > 2 * _PIECE:
        end = text.rfind("\n", at + _PIECE // 2, at + _PIECE) + 1 or at + _PIECE
        found.append(text[at:end])
        at = end
    return [*found, text[at:]]


def showable(text: str) -> str:
    """The text without what Qt cannot hold: NUL and halves of surrogate pairs become U+FFFD."""
    text = text.replace("\0", "\ufffd")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
