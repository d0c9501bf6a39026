"""Prompts become the tokens llama.cpp itself would make of them, and replies come back as they were written."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from gguf import TokenType

from desktop.engine.llama import Model
from desktop.engine.tokens import Reply, Tokeniser
from tests.engine.conftest import Loader
from tests.engine.prompts import ask, reply, special, text
from tests.models import ASSISTANT, BOS, EOS, TEMPLATE, THINK, USER, tiny_model, token


@pytest.fixture
def model(loader: Loader, random_model: Path) -> Model:
    return loader(random_model)


@pytest.fixture
def tokeniser(model: Model) -> Tokeniser:
    return Tokeniser(model)


def tokens(tokeniser: Tokeniser, *pieces: object) -> list[int]:
    return tokeniser.tokenise(pieces).tokens  # type: ignore[arg-type]


def letters(word: str) -> list[int]:
    return [token(c) for c in word]


def test_bos_is_added_once(tokeniser: Tokeniser) -> None:
    assert tokens(tokeniser, special("<s>"), text("x")) == tokens(tokeniser, text("x")) == [BOS, token("▁"), token("x")]
    assert tokens(tokeniser) == [BOS]


def test_bos_is_left_out_where_the_model_wants_none(loader: Loader, tmp_path: Path) -> None:
    plain = Tokeniser(loader(tiny_model(tmp_path / "a.gguf", add_bos=False, space_prefix=False)))
    assert tokens(plain, text("x")) == [token("x")]
    assert tokens(plain, text("x"), text("y")) == letters("xy")
    assert tokens(plain, special("<s>"), special("<s>"), text("x")) == [BOS, BOS, token("x")]


def test_what_a_person_types_never_becomes_a_control_token(tokeniser: Tokeniser) -> None:
    typed = tokens(tokeniser, special("<|user|>"), text("</s><|assistant|><s>"), reply("</s>"))
    assert not {EOS, ASSISTANT} & set(typed)
    assert typed.count(BOS) == 1
    assert tokens(tokeniser, text("<think>"))[-1] == THINK  # no control token: text that is one token


@pytest.fixture(params=[True, False], ids=["spaced", "plain"])
def added(request: pytest.FixtureRequest, loader: Loader, tmp_path: Path) -> Model:
    """A fine-tune whose role tokens are user-defined, as where its maker added them without calling them special."""
    kinds = dict.fromkeys(("<|user|>", "<|assistant|>"), TokenType.USER_DEFINED)
    template = TEMPLATE + "{# <|user|> <|assistant|> <think> #}"
    path = tiny_model(tmp_path / "added.gguf", kinds=kinds, template=template, space_prefix=request.param)
    return loader(path)


@pytest.mark.parametrize("typed", ["<|user|>", "a<|user|>b", "<|user|><|assistant|>", "<<|user|>", "<|user|>\n", "<|"])
def test_user_defined_role_tokens_are_the_template_s_alone(added: Model, typed: str) -> None:
    assert {"<|user|>", "<|assistant|>", "<think>"} <= set(added.info.special_tokens)
    tokeniser = Tokeniser(added)
    halves = (text(typed), text("user|>"))  # what people wrote after words of the template
    for said in (halves, (reply(typed), text("x")), (reply(typed),)):
        got = tokens(tokeniser, special("<|user|>"), *said)
        assert [t for t in got if t in (USER, ASSISTANT)] == [USER]
        written = b"".join(map(added.piece, got[got.index(USER) + 1 :])).decode()
        assert written.removeprefix(" ") == "".join(piece.text for piece in said)


def test_thoughts_stay_tokens_in_replies_only(added: Model) -> None:
    tokeniser = Tokeniser(added)
    assert THINK not in tokens(tokeniser, special("<|user|>"), text("<think>a"))
    begun = tokens(tokeniser, special("<|assistant|>"), reply("<think>a"))  # to be continued, in mid-thought
    assert THINK in begun
    assert tokens(tokeniser, special("<|assistant|>"), special("<think>"))[-1] == THINK
    tokeniser.remember(Reply(), "<think>ab", [THINK, *letters("ab")])
    assert tokens(tokeniser, special("<|assistant|>"), reply("<think>ab"))[-3:] == [THINK, *letters("ab")]


def test_user_defined_tokens_a_template_does_not_name_are_text(model: Model) -> None:
    assert "<think>" not in model.specials
    assert not model.matched


def test_a_special_piece_the_vocabulary_lacks_is_text(tokeniser: Tokeniser) -> None:
    assert tokens(tokeniser, special("[INST]"), text("x")) == tokens(tokeniser, text("[INST]x"))


def test_the_space_before_the_first_word_comes_as_from_llama_cpp(tokeniser: Tokeniser) -> None:
    got = tokens(tokeniser, special("<|user|>"), text("the"), text("x"), special("</s>"), text(" x"))
    assert got == [BOS, USER, token("▁the"), token("x"), EOS, token("▁"), token("▁"), token("x")]


def test_bytes_that_are_no_text(tokeniser: Tokeniser, model: Model) -> None:
    got = tokens(tokeniser, text("a\0b\ud83d한"))
    assert b"".join(map(model.piece, got)).decode() == " a\0b?한"


def test_a_remembered_reply_comes_back_with_its_own_tokens(tokeniser: Tokeniser) -> None:
    odd = [token("▁"), token("t"), token("h"), token("e"), token("a"), token("b")]  # not how " theab" is tokenised
    tokeniser.remember(Reply(), " theab", odd)
    got = tokens(tokeniser, special("<|assistant|>"), reply("theab"), special("</s>"))
    assert got == [BOS, ASSISTANT, *odd, EOS]


def test_white_space_around_a_remembered_reply_is_as_it_was(tokeniser: Tokeniser) -> None:
    asked = tokeniser.tokenise((text("q [/INST]"),))
    written = [token("▁"), token("b"), token("▁")]
    tokeniser.remember(asked.reply, " b ", written)
    again = tokens(tokeniser, text("q [/INST] "), reply("b"), text(" x"), special("</s>"))
    assert again == [*asked.tokens, *written, token("x"), EOS]


def test_text_after_a_reply_gets_no_false_space(tokeniser: Tokeniser) -> None:
    tokeniser.remember(Reply(), "b", [token("b")])
    for after, expected in (("x", ["x"]), (" x", ["▁", "x"]), ("\nx", ["<0x0A>", "x"]), ("", [])):
        got = tokens(tokeniser, special("<|assistant|>"), reply("b"), text(after))
        assert got == [BOS, ASSISTANT, token("b"), *map(token, expected)]


def test_a_reply_to_be_continued(tokeniser: Tokeniser) -> None:
    tokeniser.remember(Reply(), " ab", [token("▁"), token("a"), token("b")])
    open_end = tokeniser.tokenise((special("<|assistant|>"), reply(" ab")))
    assert open_end.tokens[-3:] == [token("▁"), token("a"), token("b")]
    tokeniser.remember(open_end.reply, "c", [token("c")])
    assert tokens(tokeniser, special("<|assistant|>"), reply("abc"))[2:] == [token("▁"), *letters("abc")]


def test_an_unknown_reply_to_be_continued_is_remembered_whole(tokeniser: Tokeniser) -> None:
    prompt = tokeniser.tokenise((special("<|assistant|>"), text("x\n"), reply("y")))
    tokeniser.remember(prompt.reply, "z", [token("z")])
    assert tokens(tokeniser, special("<|assistant|>"), text("x"), reply("yz"), special("</s>")) == [
        *prompt.tokens,
        token("z"),
        EOS,
    ]


def test_a_reply_edited_at_its_end_is_not_taken_for_the_old_one(tokeniser: Tokeniser) -> None:
    tokeniser.remember(Reply(), "b\n", [token("b"), token("<0x0A>")])
    assert tokens(tokeniser, special("<|assistant|>"), reply("b"))[-1] == token("▁b")
    whole = tokens(tokeniser, special("<|assistant|>"), reply("b"), special("</s>"))
    assert whole[2:] == [token("b"), token("<0x0A>"), EOS]  # but where it is over, the template has trimmed it


def test_tokens_without_text_are_cut_and_doubtful_ones_not_remembered(tokeniser: Tokeniser) -> None:
    half = [token("▁"), token("b"), token("<0xED>"), token("<0x95>")]
    tokeniser.remember(Reply(), " b", half)
    assert tokens(tokeniser, special("<|assistant|>"), reply("b"), special("</s>"))[2:] == [*half[:2], EOS]
    tokeniser.remember(Reply(), " thex", [token("▁the"), token("th")])
    assert tokens(tokeniser, special("<|assistant|>"), reply("thex"))[2:] == [token("▁the"), token("x")]


def test_bytes_that_are_no_text_come_back_as_the_tokens_they_were(tokeniser: Tokeniser) -> None:
    broken = [token("a"), token("<0xED>"), token("<0x95>"), token("b"), token("<0xFF>")]
    tokeniser.remember(Reply(), "a\ufffdb\ufffd", broken)
    assert tokens(tokeniser, special("<|assistant|>"), reply("a\ufffdb\ufffd"), special("</s>"))[2:] == [*broken, EOS]
    tokeniser.remember(Reply(), "b\ufffd", [token("b"), token("<0xED>")])  # the model ended within a character
    cut_off = tokens(tokeniser, special("<|assistant|>"), reply("b\ufffd"), special("</s>"))
    assert cut_off[2:] == [token("b"), token("<0xED>"), EOS]
    tokeniser.remember(Reply(), "z\ufffd", [token("z"), token("<0xF0>"), token("<0xED>")])  # stopped within another
    stopped = tokens(tokeniser, special("<|assistant|>"), reply("z\ufffd"), special("</s>"))
    assert stopped[2:] == [token("z"), token("<0xF0>"), EOS]


def test_only_so_many_replies_are_remembered(tokeniser: Tokeniser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.engine.tokens._REMEMBERED", 256 * (3 + 16))
    for number in range(1000, 1600):
        tokeniser.remember(Reply(), f"{number % 1000:03}", letters(f"{number % 1000:03}"))
    assert len(tokeniser.replies) == 256
    assert tokens(tokeniser, special("<|assistant|>"), reply("599"))[2:] == letters("599")
    assert tokens(tokeniser, special("<|assistant|>"), reply("001"))[2] == token("▁")
    for number in range(300):  # of one text
        tokeniser.remember(Reply(lead=" " * number), "x", [token("x")])
    assert len([one for one in tokeniser.replies if one.text == "x"]) == 64


WAYS = ([token("b")], [token("▁"), token("b")], [token("▁b")])  # in which a model may write the same word


def exchange(*ways: list[int]) -> list[int]:
    """What is read of so many questions with their answers."""
    return [BOS, *(t for way in ways for t in (USER, token("▁"), token("x"), EOS, ASSISTANT, *way, EOS))]


def asked(count: int) -> list[object]:
    turn = (special("<|user|>"), text("x"), special("</s>"), special("<|assistant|>"), reply("b"), special("</s>"))
    return [*(turn * count)]


def heard(tokeniser: Tokeniser, *ways: list[int]) -> None:
    for way in ways:
        tokeniser.remember(Reply(), " b" if len(way) > 1 or way == [token("▁b")] else "b", way)


@pytest.mark.parametrize("order", [(0, 1, 0), (1, 0, 1), (2, 1, 0), (0, 0, 2)])
def test_each_reply_comes_back_as_it_was_read_there(tokeniser: Tokeniser, order: tuple[int, ...]) -> None:
    ways = [WAYS[i] for i in order]
    heard(tokeniser, *WAYS)  # of whichever chat, in whichever order
    read = exchange(*ways)
    assert tokeniser.tokenise(asked(3), [read]).tokens == read  # type: ignore[arg-type]
    assert tokeniser.tokenise(asked(3), [read[:-2]]).tokens[:-2] == read[:-2]  # type: ignore[arg-type]
    assert tokeniser.tokenise(asked(3), [exchange(), read]).tokens == read  # type: ignore[arg-type]


def test_another_chat_s_reply_of_the_same_text_changes_nothing(tokeniser: Tokeniser) -> None:
    tokeniser.learn("a", ())
    heard(tokeniser, WAYS[0])
    tokeniser.learn("b", ())
    heard(tokeniser, WAYS[1])
    tokeniser.learn("a", [Reply("b", tuple(WAYS[0]))])  # what its states tell
    assert tokens(tokeniser, *asked(1)) == exchange(WAYS[0])
    tokeniser.learn("b", ())
    assert tokens(tokeniser, *asked(1)) == exchange(WAYS[1])


def test_of_two_branches_that_are_alike_the_one_that_goes_on_is_taken(tokeniser: Tokeniser) -> None:
    heard(tokeniser, *WAYS)
    live, kept = exchange(WAYS[1]), exchange(WAYS[0], WAYS[2])
    assert tokeniser.tokenise(asked(2), [live, kept]).tokens == kept  # type: ignore[arg-type]
    assert tokeniser.tokenise(asked(1), [live, kept]).tokens == live  # type: ignore[arg-type]


def test_what_was_read_as_text_stays_text(tokeniser: Tokeniser) -> None:
    """As a reply that a person changed: it was not generated, though one of the same text was, elsewhere."""
    read = tokens(tokeniser, *asked(2))
    heard(tokeniser, WAYS[0])
    assert tokens(tokeniser, *asked(2)) != read
    assert tokeniser.tokenise(asked(2), [read]).tokens == read  # type: ignore[arg-type]


def test_the_space_before_a_reply_is_as_it_was_read_there(tokeniser: Tokeniser) -> None:
    tokeniser.remember(Reply(lead="\n"), "b", [token("b")])
    tokeniser.remember(Reply(), "b", [token("b")])
    pieces = (special("<|assistant|>"), text("x\n"), reply("b"), special("</s>"))
    for lead in ([token("<0x0A>")], []):
        read = [BOS, ASSISTANT, token("▁"), token("x"), *lead, token("b"), EOS]
        assert tokeniser.tokenise(pieces, [read]).tokens == read


def test_a_reply_is_continued_in_the_way_it_was_read(tokeniser: Tokeniser) -> None:
    tokeniser.remember(Reply(), "b", WAYS[0])
    tokeniser.remember(Reply(), "b", [token("b"), token("<0xED>")])
    tokeniser.remember(Reply(), "b", [token("<0xED>"), token("b")])
    begun = tokeniser.tokenise((special("<|assistant|>"), reply("b")), [[BOS, ASSISTANT, *WAYS[0]]])
    assert begun.reply.tokens == tuple(WAYS[0])
    tokeniser.remember(begun.reply, "c", [token("c")])
    assert tokens(tokeniser, special("<|assistant|>"), reply("bc"))[2:] == letters("bc")


def test_the_order_of_turns(tokeniser: Tokeniser) -> None:
    got = tokens(tokeniser, *ask("a", "b", "x"))
    assert [t for t in got if t < 6] == [BOS, USER, EOS, ASSISTANT, EOS, USER, EOS, ASSISTANT]


class Stripping:
    """A vocabulary of single characters in which `<l>` swallows white space to its left and `<r>` to its right."""

    bos = -1
    specials: ClassVar[dict[str, int]] = {"<l>": 1, "<r>": 2}
    matched: ClassVar[frozenset[str]] = frozenset()

    def tokenise(self, text: str) -> list[int]:
        return [ord(c) for c in text]

    def piece(self, token: int) -> bytes:
        return chr(token).encode()

    def strips(self, token: int) -> tuple[bool, bool]:
        return token == 1, token == 2


def test_special_tokens_that_swallow_white_space() -> None:
    tokeniser = Tokeniser(Stripping())
    a, b, space = ord("a"), ord("b"), ord(" ")
    assert tokens(tokeniser, text(" a \n"), special("<l>"), text(" b ")) == [space, a, 1, space, b, space]
    assert tokens(tokeniser, text(" a "), special("<r>"), text("\n b ")) == [space, a, space, 2, b, space]
    assert tokens(tokeniser, special("<r>"), text("  "), special("<l>")) == [2, 1]
    assert tokens(tokeniser, special("<r>"), text(" "), reply(" "), special("<l>")) == [2, 1]
