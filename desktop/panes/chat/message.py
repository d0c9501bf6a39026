"""One message as the transcript shows it: the stored message and what the row below it needs to know.

Invariant: a value; a change is a new `MessageView` given to `Transcript.update_message`. Nothing here touches a widget.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop.core.chat import Message, Role
from desktop.core.errors import N_
from desktop.core.generation import StopReason
from desktop.ui import formats
from desktop.ui.translation import _, ngettext


@dataclass(frozen=True, slots=True)
class MessageView:
    """`version` counts from 1. `starts_thinking`: the template opened the thoughts, so the reply has no `<think>`."""

    message: Message
    version: int = 1
    versions: int = 1
    last: bool = False
    streaming: bool = False
    can_continue: bool = False
    starts_thinking: bool = False

    @property
    def id(self) -> str:
        return self.message.id

    @property
    def reply(self) -> bool:
        return self.message.role is Role.ASSISTANT


_ENDINGS = {
    StopReason.CANCELLED: N_("stopped by you"),
    StopReason.LENGTH: N_("longest answer reached"),
    StopReason.CONTEXT: N_("context full"),
    StopReason.DIED: N_("interrupted"),
}


def statistics(message: Message) -> str:
    """What a reply took, in one line; "" where nothing is known."""
    usage, timings = message.usage, message.timings
    parts: list[str] = []
    if usage.completion_tokens:
        tokens = formats.number(usage.completion_tokens)
        parts.append(ngettext("{tokens} token", "{tokens} tokens", usage.completion_tokens, tokens=tokens))
    if timings.generation_per_s > 0:
        speed = formats.number(timings.generation_per_s, 1)
        parts.append(_("{speed} tokens/s", speed=speed))
    if timings.first_token_s > 0:
        parts.append(_("first word {time}", time=formats.duration(timings.first_token_s)))
    if usage.prompt_tokens:
        read = formats.number(usage.prompt_tokens - usage.cached_tokens)
        cached = formats.number(usage.cached_tokens)
        if usage.cached_tokens:
            parts.append(_("{read} read, {cached} from cache", read=read, cached=cached))
        else:
            parts.append(_("{read} read", read=read))
    if message.stop_reason in _ENDINGS:
        parts.append(_(_ENDINGS[message.stop_reason]))
    return " · ".join(parts)
