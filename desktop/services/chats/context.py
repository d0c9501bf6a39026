"""What a chat's context holds, part by part, and what would leave next: from what is stored; nobody is asked.

Invariant: `used` is what the engine counted for the last reply, with a guess only for what came since; the parts are
shares of it by the length of their texts, and together never more. When something leaves is `core.window`'s rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from desktop.core import window
from desktop.core.chat import Chat, Message, Role
from desktop.core.talk import ContextUse


def use_of(
    chat: Chat, path: Sequence[Message], draft: str, size: int, left: frozenset[str], *, moving: bool
) -> ContextUse:
    """Of a context of `size` tokens. `left`: ids that have left it; `moving`: the oldest leave when it is full."""
    told = sum(map(_tokens, (chat.opening.instruction, *(turn.text for turn in chat.opening.turns))))
    known, used = _counted(path)
    written = _tokens(draft)
    used += sum(_tokens(m.text) for m in path[known + 1 :]) + written + (told if known < 0 else 0)
    told = min(told, used - written)
    gone = sum(message.id in left for message in path)
    guessed = [_tokens(message.text) for message in path]
    scale = (used - told - written) / max(1, sum(guessed[gone:]))
    tokens = [round(guess * scale) for guess in guessed]
    roles = [message.role for message in path]
    kept = window.next_kept([*roles, Role.USER], [*tokens, written], size, gone) if moving and path else gone
    leaving = tuple(message.id for message in path[gone:kept])
    going = min(sum(tokens[gone:kept]), used - told - written)
    return ContextUse(used, size, left, instruction=told, draft=written, leaving=leaving, leaving_tokens=going)


def guided(path: Sequence[Message], draft: str, size: int) -> ContextUse:
    """Of the guide's: it gets one question at a time, with the help page that is nearest to it."""
    known, used = _counted(path)
    said = sum(_tokens(message.text) for message in path[max(0, known - 1) : known + 1])
    written = _tokens(draft)
    rest = sum(_tokens(message.text) for message in path[known + 1 :])
    return ContextUse(used + rest + written, size, page=max(0, used - said), draft=written)


def _counted(path: Sequence[Message]) -> tuple[int, int]:
    """The last reply whose tokens the engine counted, -1 where there is none, and how many there were up to its end."""
    known = next((i for i in reversed(range(len(path))) if path[i].usage.prompt_tokens), -1)
    return known, path[known].usage.prompt_tokens + path[known].usage.completion_tokens if known >= 0 else 0


def _tokens(text: str) -> int:
    """About four bytes of UTF-8 a token: enough for a gauge between two replies, whose counts are exact."""
    return len(text.encode("utf-8", "replace")) // 4 + (1 if text else 0)
