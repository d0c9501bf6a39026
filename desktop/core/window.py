"""What of a conversation goes into the context when not all of it fits.

Invariants: the opening and the newest turn always stay; what leaves is the oldest, in whole exchanges; the choice is a
function of the conversation alone and moves in steps, so that the next turn keeps the same beginning and the KV cache
still holds. Nothing leaves the chat: only what the model looks at gets shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from desktop.core.chat import Role
from desktop.core.errors import N_, PromptTooLong

STEP = 4  # a quarter of the context is a step: turns leave until one is free, and most turns re-read nothing
LEAST_REPLY = 64  # tokens; below that no sentence fits (our judgement, not measured)


def reserve(context: int, max_tokens: int) -> int:
    """Tokens kept free for the reply: what was asked for, at most a quarter of the context."""
    most = context // STEP
    return most if max_tokens < 0 else min(max_tokens, most)


def first_kept(roles: Sequence[Role], tokens: Sequence[int], opening: int, context: int, free: int) -> int:
    """Index of the first turn that stays. `tokens[i]` is what turn i costs, `opening` what always comes first.

    Raises `PromptTooLong` if the opening and the turns from the last question on exceed the context.
    """
    room = context - opening - free
    left = [0, *accumulate(tokens)]  # tokens that leave with the turns before i
    if left[-1] <= room:
        return 0
    starts = [i for i, role in enumerate(roles) if role is Role.USER] or [0]
    for kept in _cuts(starts, left, max(1, context // STEP)):
        if left[-1] - left[kept] <= room:
            return kept
    last = starts[-1]
    needed = opening + left[-1] - left[last]
    if needed + min(LEAST_REPLY, context // 8) <= context:
        return last
    raise PromptTooLong(
        N_("Your message needs {tokens} tokens, but the context holds {context}. Shorten it, or set a larger context."),
        tokens=needed,
        context=context,
    )


def next_kept(roles: Sequence[Role], tokens: Sequence[int], context: int, gone: int) -> int:
    """Index of the first turn that stays when the context overflows next; `gone` turns have left already.

    It is `gone` where nothing can leave: the newest exchange stays.
    """
    starts = [i for i, role in enumerate(roles) if role is Role.USER] or [0]
    left = [0, *accumulate(tokens)]
    return next((kept for kept in _cuts(starts, left, max(1, context // STEP)) if kept > gone), max(gone, starts[-1]))


def _cuts(starts: Sequence[int], left: Sequence[int], step: int) -> Iterator[int]:
    """For every further step of tokens, the first user turn before which at least that many have left."""
    wanted = step
    for start in starts:
        if left[start] >= wanted:
            yield start
            wanted = (left[start] // step + 1) * step
