"""Finding a name by some of its letters."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.finding import Name


def found(query: str, text: str) -> str:
    """The characters of the name that were found, or "-"."""
    match = Name(text).match(query)
    return "-" if match is None else "".join(unicodedata.normalize("NFC", text)[at] for at in match.places)


def best(query: str, *texts: str) -> str:
    costs = [(match.cost, text) for text in texts if (match := Name(text).match(query)) is not None]
    return min(costs)[1]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("new chat", "New chat"),
        ("newchat", "New chat"),
        ("nc", "New chat"),
        ("CHAT new", "New chat"),
        ("mdl", "Models"),
        ("perche", "Perché no"),
        ("PERCHÉ", "perche no"),
        ("angelo", "D'Angelò"),
        ("strasse", "Straße"),
        ("oresund", "Øresund"),
        ("gpt4", "GPT-4 notes"),
        ("gpt-4", "GPT4 notes"),
        ("q4km", "mistral-7b-instruct-v0.1.Q4_K_M"),
        ("mistral q4", "mistral-7b-instruct-v0.1.Q4_K_M"),
        ("7b", "Mistral7B"),
        ("tb", "TheBloke"),
        ("ﬁle", "File"),
        ("日本", "今の日本"),
        ("🦙", "🦙 llama"),
    ],
)
def test_case_accents_spaces_and_signs_do_not_count(query: str, text: str) -> None:
    assert found(query, text) != "-"


@pytest.mark.parametrize(
    ("query", "text", "characters"),
    [
        ("ㅅㄷㅎ", "새 대화", "새대화"),
        ("ㅅㄷ", "새 대화", "새대"),
        ("ㄷㅎ", "새 대화", "대화"),
        ("ㅁㄷ", "모델", "모델"),
        ("새대화", "새 대화", "새대화"),
        ("샏", "새 대화", "새대"),
        ("샏ㅎ", "새 대화", "새대화"),
        ("댛", "새 대화", "대화"),
        ("대호", "새 대화", "대화"),
        ("새 대ㅎ", "새 대화", "새대화"),
        ("ㄳ", "검색 설정", "검색"),
        ("화", "대화", "화"),
        ("대화 새", "새 대화", "새대화"),
        ("ㅅㅈ", "설정", "설정"),
        ("닭", "달걀", "달걀"),
        ("ㅁ7", "모델 7B", "모7"),
    ],
)
def test_hangul_is_found_by_initials_and_while_it_is_composed(query: str, text: str, characters: str) -> None:
    assert found(query, text) == characters
    assert found(query, unicodedata.normalize("NFD", text)) == characters


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("x", "New chat"),
        ("tahc", "chat"),
        ("e", "New chat"),  # one letter alone begins a word
        ("ㄴ", "간다"),  # a final is no initial
        ("ㅏ", "가나"),
        ("ㅎ", "대화"),
        ("델", "대화"),
        ("개", "가"),
        ("zxq", "ozone, six antiques"),
        ("new chat!x", "New chat"),
        ("안", ""),
    ],
)
def test_what_is_not_there_is_not_found(query: str, text: str) -> None:
    assert found(query, text) == "-"


def test_the_best_comes_first() -> None:
    assert best("set", "Offset", "Settings", "Reset") == "Settings"
    assert best("model", "Import model…", "Models", "Unload model") == "Models"
    assert best("nc", "Concert", "New chat") == "New chat"
    assert best("im", "Find a model…", "Import model…") == "Import model…"
    assert best("새", "어느새 밤", "새 대화") == "새 대화"
    assert best("대", "댕댕이", "대") == "대"
    assert best("chat", "Chat with a friend", "Chat") == "Chat"


@pytest.mark.parametrize("query", ["", "   ", "…", "-"])
def test_a_query_without_letters_fits_everything(query: str) -> None:
    match = Name("New chat").match(query)
    assert match is not None
    assert match.places == ()


@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_can_be_asked_for_in_any_other(text: str, query: str) -> None:
    match = Name(text).match(query)
    assert match is None or all(0 <= at < len(Name(text).text) for at in match.places)


@given(st.text(min_size=1, max_size=60))
def test_every_name_is_found_by_itself(text: str) -> None:
    assert Name(text).match(text) is not None


def test_thousands_of_names_are_asked_between_two_keys() -> None:
    names = [Name(f"Chat number {n} about 대화 {n} and the weather in Bologna") for n in range(2_000)]
    begun = time.process_time()
    for query in ("c", "chat", "ㄷㅎ 199", "wthr"):
        assert any(name.match(query) for name in names)
    assert time.process_time() - begun < 4  # a hundred times what it takes here would still be seen by this
