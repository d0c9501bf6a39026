"""What is certain of a prompt: the settled words of a draft, and the beginning that its ways on share."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core import prompt
from desktop.core.ahead import WAYS_ON, beginning, settled
from desktop.core.chat import Opening, Role, Turn
from desktop.core.generation import Piece, PieceKind
from desktop.core.prompt import Vocabulary
from desktop.core.templates import BY_NAME

WORDS = Vocabulary("<s>", "</s>", ("<s>", "</s>", "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]"))
NOW = datetime(2026, 1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("draft", "words"),
    [
        ("", ""),
        ("Hel", ""),
        ("Hello wor", "Hello"),
        ("Hello world ", "Hello world"),
        ("Hello\n\n  wor", "Hello"),
        ("  Hello wor", "  Hello"),
        ("알코브는 오프라인에서 작", "알코브는 오프라인에서"),
        (" \n ", ""),
        ("私はこのプログラムについて質問があります教えて", ""),
    ],
)
def test_the_last_word_is_open(draft: str, words: str) -> None:
    assert settled(draft) == words


def test_a_script_without_spaces_is_open_at_its_end() -> None:
    draft = "私はこのプログラムについて質問があります教えてくださいますか"
    assert settled(draft) == draft[:-8]


@given(st.text(st.sampled_from("ab \n한."), max_size=60), st.text(st.sampled_from("ab \n한."), max_size=9))
def test_what_is_settled_stays_when_the_draft_goes_on(draft: str, more: str) -> None:
    assert draft.startswith(settled(draft))
    assert (draft + more).startswith(settled(draft))
    assert len(settled(draft + more)) >= len(settled(draft)) or not more


def test_two_prompts_share_what_they_begin_with() -> None:
    special, reply = Piece(PieceKind.SPECIAL, "<s>"), Piece(PieceKind.REPLY, "Yes")
    one = (special, Piece(PieceKind.TEXT, "[INST] Hello x [/INST]"))
    other = (special, Piece(PieceKind.TEXT, "[INST] Hello\ny [/INST]"))
    assert beginning(one, other) == (special, Piece(PieceKind.TEXT, "[INST] Hello"))
    assert beginning(one, one) == one
    assert beginning(one, ()) == ()
    assert beginning((special, reply), (special, Piece(PieceKind.REPLY, "Yet"))) == (special,)
    assert beginning((Piece(PieceKind.TEXT, "a"),), (Piece(PieceKind.TEXT, "ab"),)) == (Piece(PieceKind.TEXT, "a"),)
    assert beginning((Piece(PieceKind.TEXT, "a"),), (Piece(PieceKind.TEXT, "b"),)) == ()


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("draft", ["", "Why is the sky"])
def test_of_every_template_the_draft_is_the_end(name: str, draft: str) -> None:
    """Nothing that the template writes behind the draft is told, and all that is told stands in the real prompt."""
    turns = [Turn(Role.USER, "Hello"), Turn(Role.ASSISTANT, "Good day.")]
    opening = Opening("Be brief.")

    def made(text: str) -> tuple[Piece, ...]:
        return prompt.pieces(BY_NAME[name], opening, [*turns, Turn(Role.USER, text)], WORDS, NOW)

    sure = prompt.exact_text(beginning(*(made(draft + way) for way in WAYS_ON)))
    real = prompt.exact_text(made(f"{draft} blue, and at night black?".strip()))
    assert real.startswith(sure)
    assert sure.endswith(draft)
    assert "Good day." in sure
