"""Finding a name by some of its letters."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.finding import Name, Names, Words


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


_TITLES = st.text("abAB1 -é새ㅅ대화\u0301", max_size=14)


class _Slowly(Name):
    """Without the short cut for what stands together."""

    def _straight(self, word: object) -> None:
        return None


@given(_TITLES, st.text("abA1 é새ㅅㅐ대ㅎ", min_size=1, max_size=6))
def test_the_short_cut_finds_what_the_long_way_finds(text: str, query: str) -> None:
    assert Name(text).match(query) == _Slowly(text).match(query)


@given(st.lists(_TITLES, max_size=20), st.text("abA1 é새ㅅㅐ대ㅎ", max_size=6))
def test_many_names_are_found_as_each_is_however_the_query_came(texts: list[str], query: str) -> None:
    names = Names(texts)
    for end in (*range(len(query) + 1), 1, len(query)):
        alone = {at: match for at, text in enumerate(texts) if (match := Name(text).match(query[:end])) is not None}
        assert dict(names.match(query[:end])) == alone


def test_of_thousands_the_best_are_judged() -> None:
    texts = [f"a letter and a number {n}" for n in range(5000)]
    texts[4000], texts[4500] = "number theory", "the best number"
    found = dict(Names(texts).match("num"))
    assert len(found) < 200
    assert sorted(found, key=lambda at: found[at].cost)[:2] == [4000, 4500]
    inside = [f"a lonumber {n}" for n in range(5000)]
    inside[3000] = "Not usual, mostly"
    assert 3000 in dict(Names(inside).match("num"))  # initials are judged before what stands within a word


_WORDS = "dar dark 어두 어ㄷ qualità qualita".split()
_NO_WORDS = ["어둗", "d", "ark", "dak", "dark x", ""]


@pytest.mark.parametrize("query", [*_WORDS, "DARK mo", "mode dark"])
def test_words_that_are_not_shown_are_found_by_their_beginnings(query: str) -> None:
    assert _everyday().match(query) is not None


@pytest.mark.parametrize("query", _NO_WORDS)
def test_words_that_are_not_shown_are_found_by_nothing_else(query: str) -> None:
    assert _everyday().match(query) is None


def _everyday() -> Words:
    return Words(["dark mode, night", "어두운 화면", "qualità"])


def test_a_whole_word_is_better_than_its_beginning() -> None:
    words = Words(["dark, darkness"])
    whole, begun = words.match("dark"), words.match("darkn")
    assert whole is not None
    assert begun is not None
    assert whole < begun


def test_other_forms_of_a_word_are_found_by_its_stem() -> None:
    words = Words(["carattere, ingrandisci, internet", "배경"])
    found = {typed: words.match(typed) for typed in ("caratteri", "ingrandire", "carattere", "caratt", "배경색")}
    assert found == {"caratteri": 1.0, "ingrandire": 1.0, "carattere": 0.0, "caratt": 0.5, "배경색": None}
    for other in ("interrompi", "caratterizzazione", "ingresso"):
        assert words.match(other) is None, other
