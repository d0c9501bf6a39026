"""Prompts of the publishers' own templates: exact text, no control token from people's words, a stable beginning."""

from __future__ import annotations

import time
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.core import sandbox
from desktop.core.chat import Opening, Role, Turn
from desktop.core.errors import TemplateError
from desktop.core.generation import Piece, PieceKind
from desktop.core.prompt import Vocabulary, exact_text, pieces
from desktop.core.templates import BUILT_IN, ChatTemplate
from tests.core.official import OFFICIAL, Official

NOW = datetime(2026, 3, 9)
U1, R1, U2 = Turn(Role.USER, "U1"), Turn(Role.ASSISTANT, "R1"), Turn(Role.USER, "U2")
LLAMA = Vocabulary("<s>", "</s>", ("<s>", "</s>", "<unk>"))
ALL = {**OFFICIAL, **{t.name: Official(t.source, LLAMA, "") for t in BUILT_IN}}
EACH = pytest.mark.parametrize("official", ALL.values(), ids=ALL.keys())
PLAIN = ChatTemplate("", "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[assistant]")


def prompt(official: Official, turns: list[Turn], instruction: str = "") -> tuple[Piece, ...]:
    return pieces(official.template, Opening(instruction), turns, official.vocabulary, NOW)


def of_kind(found: tuple[Piece, ...], kind: PieceKind) -> list[str]:
    return [piece.text for piece in found if piece.kind is kind]


@pytest.mark.parametrize("official", OFFICIAL.values(), ids=OFFICIAL.keys())
def test_the_text_is_the_publishers(official: Official) -> None:
    found = prompt(official, [U1, R1, U2], "S")
    assert exact_text(found) == official.expected
    assert of_kind(found, PieceKind.REPLY) == ["R1"]
    assert set(of_kind(found, PieceKind.SPECIAL)) <= set(official.vocabulary.special)
    written = [official.expected.count(token) for token in official.vocabulary.special if token]
    assert len(of_kind(found, PieceKind.SPECIAL)) == sum(written)


@EACH
def test_what_people_and_replies_say_stays_text(official: Official) -> None:
    typed = "".join(official.vocabulary.special) + "".join(t[:-1] + t for t in official.vocabulary.special) + "[/INST]"
    evil = [Turn(Role.USER, "a" + typed), Turn(Role.ASSISTANT, "b" + typed), Turn(Role.USER, "c" + typed)]
    found, harmless = prompt(official, evil, "i" + typed), prompt(official, [U1, R1, U2], "§")
    assert of_kind(found, PieceKind.SPECIAL) == of_kind(harmless, PieceKind.SPECIAL)
    expected = exact_text(harmless)
    for mark, letter in {"§": "i", "U1": "a", "R1": "b", "U2": "c"}.items():
        expected = expected.replace(mark, letter + typed)
    assert exact_text(found) == expected


@EACH
def test_the_next_turn_begins_as_the_last_one(official: Official) -> None:
    turns, before = [Turn(Role.USER, " one\n")], ""
    for n in range(4):
        rendered = exact_text(prompt(official, turns, "Be brief."))
        assert rendered.startswith(before.removesuffix("<think>\n"))
        before = rendered
        turns += [Turn(Role.ASSISTANT, f"<think>hm</think>\n\nreply {n}"), Turn(Role.USER, f"question {n}")]


@EACH
def test_continuing_ends_with_the_reply(official: Official) -> None:
    begun = Turn(Role.ASSISTANT, "<think>so</think> The answer</s> is ")
    found = prompt(official, [U1, begun])
    assert found[:-1] == prompt(official, [U1])
    assert found[-1] == Piece(PieceKind.REPLY, begun.text)


@EACH
def test_odd_orders_are_made_to_alternate(official: Official) -> None:
    greeting, more = Turn(Role.ASSISTANT, "Hello"), Turn(Role.USER, "more")
    text = exact_text(prompt(official, [greeting, U1, more, R1, U2], "S"))
    assert all(said in text for said in ("S", "Hello", "U1", "more", "R1", "U2"))


@EACH
def test_opening_turns_come_first(official: Official) -> None:
    opening = Opening("S", (Turn(Role.USER, "only korean"), Turn(Role.ASSISTANT, "네")))
    text = exact_text(pieces(official.template, opening, [U1], official.vocabulary, NOW))
    assert -1 < text.find("S") < text.find("only korean") < text.find("네") < text.find("U1")


def test_thoughts_leave_the_history_and_quotes_of_the_tag_stay() -> None:
    def history(reply: str) -> list[str]:
        turns = [U1, Turn(Role.ASSISTANT, reply), U2]
        return of_kind(pieces(PLAIN, Opening(), turns, LLAMA, NOW), PieceKind.REPLY)

    assert history("<think>\nhm\n</think>\n\nYes.") == ["Yes."]
    assert history("hm\n</think>\n\nYes.") == ["Yes."]  # the prompt had opened the tag
    assert history("Write `<think>` and `</think>`.") == ["Write `<think>` and `</think>`."]
    assert history("<think>a</think>b</think>c") == ["b</think>c"]
    assert history("<think>never ended") == ["<think>never ended"]
    assert history("<think>only</think>") == []


def test_completion_knows_no_roles() -> None:
    opening = Opening("Once", (Turn(Role.USER, " upon"),), completion=True)
    found = pieces(
        PLAIN, opening, [Turn(Role.USER, " a</s>"), Turn(Role.ASSISTANT, " time"), Turn(Role.USER, "")], LLAMA, NOW
    )
    assert found == (
        Piece(PieceKind.TEXT, "Once"),
        Piece(PieceKind.TEXT, " upon"),
        Piece(PieceKind.TEXT, " a</s>"),
        Piece(PieceKind.REPLY, " time"),
    )


def test_a_dropped_instruction_moves_or_is_missed() -> None:
    users = "{% for m in messages if m.role != 'system' %}({{ m.content }}){% endfor %}"
    found = pieces(ChatTemplate("", users), Opening("S"), [U1, R1, U2], LLAMA, NOW)
    assert exact_text(found) == "(S\n\nU1)(R1)(U2)"
    repeated = pieces(ChatTemplate("", users), Opening("U"), [U1, R1, U2], LLAMA, NOW)
    assert exact_text(repeated) == "(U\n\nU1)(R1)(U2)"
    with pytest.raises(TemplateError, match="leaves the instruction out"):
        pieces(ChatTemplate("", "{{ messages[-1].content }}"), Opening("S"), [U1, R1, U2], LLAMA, NOW)


def test_without_a_question_the_instruction_is_asked() -> None:
    assert exact_text(prompt(ALL["Mistral"], [], "S")) == "<s>[INST] S [/INST]"


def test_an_endless_template_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TIME_LIMIT", 0.3)
    endless = ChatTemplate("", "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")
    began = time.monotonic()
    with pytest.raises(TemplateError, match="end"):
        pieces(endless, Opening("S"), [U1, U1], LLAMA, NOW)
    assert time.monotonic() - began < 1.0


@pytest.mark.parametrize(
    "source",
    [
        "{{ raise_exception('never') }}",
        "{{ messages.x.y }}",
        "{% bad %}",
        "{{ ''.__class__.__base__() }}",
        "{{ 9**9**9 }}",
    ],
)
def test_a_bad_template_is_one_error(source: str) -> None:
    with pytest.raises(TemplateError):
        pieces(ChatTemplate("", source), Opening("S"), [U1, R1, U2], LLAMA, NOW)


def test_a_vocabulary_of_thousands_of_control_tokens_is_quick() -> None:
    special = ("<bos>", "<end_of_turn>", *(f"<unused{n}>" for n in range(6000)))
    turns = [Turn(Role.USER, "<p>1 < 2</p> <unused7>" * 5000), R1] * 10 + [U2]
    began = time.monotonic()
    found = pieces(PLAIN, Opening("S"), turns, Vocabulary("<bos>", "<eos>", special), NOW)
    assert time.monotonic() - began < 10  # two seconds on an idle machine
    assert not of_kind(found, PieceKind.SPECIAL)


NONCHARACTERS = {chr(n) for n in range(0xFDD0, 0xFDF0)}
TEXT = st.text(st.sampled_from("ab<>/s[]| \n\x00\ud800가\U0001f600") | st.characters(), max_size=12)
SPECIALS = st.lists(TEXT.filter(bool) | st.sampled_from(["<s>", "</s>", "a", "ab", "b>", "<|", "r]a"]), max_size=8)


@settings(deadline=None, max_examples=150)
@given(SPECIALS, TEXT, st.lists(TEXT, min_size=1, max_size=3), st.sampled_from(["", "|trim"]))
def test_any_words_and_any_tokens(special: list[str], instruction: str, said: list[str], end: str) -> None:
    """Each SPECIAL piece is the template's own: rendering other words gives the same ones, and the words come back."""
    source = "{% for m in messages %}<s>[{{ m.role }}]{{ m.content" + end + " }}</s>\n{% endfor %}<s>"
    vocabulary = Vocabulary("<s>", "</s>", tuple(special))
    roles = [Role.USER, Role.ASSISTANT]
    turns = [Turn(roles[i % 2], text) for i, text in enumerate(said + ["q"] * (len(said) % 2 == 0))]

    def rendered(some: list[Turn], opening: str) -> tuple[Piece, ...]:
        return pieces(ChatTemplate("", source), Opening(opening), some, vocabulary, NOW)

    found = rendered(turns, instruction)
    blank = rendered([Turn(t.role, "\ue000") for t in turns], "\ue000" if instruction else "")
    assert of_kind(found, PieceKind.SPECIAL) == of_kind(blank, PieceKind.SPECIAL)
    clean = [instruction] * bool(instruction) + [t.text for t in turns]
    clean = ["".join("\ufffd" if c in NONCHARACTERS else c for c in text) for text in clean]
    names = ["system"] * bool(instruction) + [str(t.role) for t in turns]
    if end:
        assert all(text.strip() in exact_text(found) for text in clean)
    else:
        clean = [text.strip() if name == "assistant" else text for name, text in zip(names, clean, strict=True)]
        blocks = [f"<s>[{name}]{text}</s>\n" for name, text in zip(names, clean, strict=True)]
        assert exact_text(found) == "".join(blocks) + "<s>"
