"""What leaves a full context: whole exchanges, the oldest first, in steps that keep the beginning."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.chat import Role
from desktop.core.errors import PromptTooLong
from desktop.core.window import LEAST_REPLY, STEP, first_kept, next_kept, reserve

USER, REPLY = Role.USER, Role.ASSISTANT
SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=60)


def test_what_fits_stays_whole() -> None:
    assert first_kept([], [], 100, 1000, 100) == 0
    assert first_kept([USER, REPLY, USER], [300, 300, 200], 100, 1000, 100) == 0


def test_the_oldest_exchange_leaves_first() -> None:
    assert first_kept([USER, REPLY, USER, REPLY, USER], [150, 150, 150, 150, 250], 0, 1000, 250) == 2


def test_one_turn_too_long_is_said_with_numbers() -> None:
    with pytest.raises(PromptTooLong) as raised:
        first_kept([USER], [2000], 24, 1024, 100)
    assert raised.value.fields == {"tokens": 2024, "context": 1024}
    with pytest.raises(PromptTooLong):
        first_kept([], [], 2000, 1024, 100)


def test_the_last_question_may_use_the_room_of_the_reply() -> None:
    roles, tokens = [USER, REPLY, USER], [100, 100, 1024 - LEAST_REPLY]
    assert first_kept(roles, tokens, 0, 1024, 256) == 2
    with pytest.raises(PromptTooLong):
        first_kept(roles, [100, 100, 1024 - LEAST_REPLY + 1], 0, 1024, 256)


@pytest.mark.parametrize(("context", "asked", "kept"), [(4096, -1, 1024), (4096, 100, 100), (256, 4096, 64)])
def test_room_for_the_reply(context: int, asked: int, kept: int) -> None:
    assert reserve(context, asked) == kept


@given(SIZES, st.integers(0, 400), st.integers(256, 2048), st.integers(-1, 500), st.booleans())
def test_what_is_kept_begins_with_a_question_and_fits(
    tokens: list[int], opening: int, context: int, asked: int, greeted: bool
) -> None:
    roles = [(USER, REPLY)[(i + greeted) % 2] for i in range(len(tokens))]
    free = reserve(context, asked)
    questions = [i for i, role in enumerate(roles) if role is USER] or [0]
    least = opening + sum(tokens[questions[-1] :])
    try:
        kept = first_kept(roles, tokens, opening, context, free)
    except PromptTooLong:
        assert least + min(LEAST_REPLY, context // 8) > context
        return
    assert kept == 0 or roles[kept] is USER or kept == questions[-1]
    assert opening + sum(tokens[kept:]) <= max(context - free, context - min(LEAST_REPLY, context // 8))
    if kept == 0 < questions[-1]:
        assert opening + sum(tokens) + free <= context


@given(st.lists(st.integers(1, 60), min_size=40, max_size=120), st.integers(0, 100))
def test_the_beginning_moves_in_steps(tokens: list[int], opening: int) -> None:
    """Turns no longer than an eighth of a step: between two moves, most of a step is filled again."""
    context, free = 2048, 256
    moves: list[int] = []
    for n in range(1, len(tokens) + 1, 2):
        roles = [(USER, REPLY)[i % 2] for i in range(n)]
        moves.append(first_kept(roles, tokens[:n], opening, context, free))
    assert moves == sorted(moves)
    for before, after in zip(sorted(set(moves)), sorted(set(moves))[1:], strict=False):
        assert sum(tokens[before:after]) >= context // STEP - 2 * 60


def test_a_chat_of_a_hundred_thousand_turns_is_quick() -> None:
    count = 100_000
    began = time.monotonic()
    kept = first_kept([USER, REPLY] * (count // 2), [100] * count, 0, 4096, 512)
    assert count - 40 <= kept < count
    assert time.monotonic() - began < 3


def test_what_leaves_next_is_what_leaves() -> None:
    roles, tokens = [USER, REPLY] * 4 + [USER], [100] * 8 + [250]
    foretold = next_kept(roles, tokens, 1000, 0)
    assert foretold == first_kept(roles, tokens, 0, 1000, 250) == 4
    assert next_kept(roles, tokens, 1000, foretold) == 6
    assert next_kept([USER], [900], 1000, 0) == 0
    assert next_kept([], [], 1000, 0) == 0


@given(SIZES, st.integers(0, 60))
def test_what_leaves_next_leaves_the_newest_question(tokens: list[int], gone: int) -> None:
    roles = [USER if i % 2 == 0 else REPLY for i in range(len(tokens))]
    gone = min(gone, len(roles) - 1)
    kept = next_kept(roles, tokens, 1000, gone)
    last = max(i for i, role in enumerate(roles) if role is USER)
    assert gone <= kept <= max(gone, last)
