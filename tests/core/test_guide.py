"""The page look-up, on a tiny made-up index, and on indexes that lie."""

from __future__ import annotations

import struct

import pytest

from desktop.core.guide import HEADER, MAGIC, REFUSAL_STARTS, Pages, features, language_of, page_text

TOPICS = ("stop", "gpu")
LANGUAGES = ("en", "ko", "it")
BUCKETS = 4096
DAMAGED = "page index|decode"
TEACHING = (
    ("weather cake football", 0, "en"),
    ("날씨 요리 축구", 0, "ko"),
    ("stop halt cancel", 1, "en"),
    ("멈춰 중지", 1, "ko"),
    ("graphics card layers", 2, "en"),
    ("그래픽카드 레이어", 2, "ko"),
    ("ferma basta", 1, "it"),
)


def index(margin: float = 0.0, scale: float = 0.002) -> bytes:
    """An index that knows the words of ``TEACHING`` and nothing else."""
    columns = 1 + len(TOPICS) + len(LANGUAGES)
    weights = [[0] * columns for _ in range(BUCKETS)]
    for text, column, language in TEACHING:
        for bucket in features(text, BUCKETS):
            weights[bucket][column] = 100
            weights[bucket][1 + len(TOPICS) + LANGUAGES.index(language)] = 100
    names = b"".join(bytes([len(name)]) + name.encode() for name in TOPICS + LANGUAGES)
    return (
        HEADER.pack(MAGIC, BUCKETS, 1 + len(TOPICS), len(LANGUAGES), margin)
        + names
        + struct.pack(f"<{columns}f", *[scale] * columns)
        + bytes([50]) * BUCKETS
        + b"".join(struct.pack(f"<{columns}b", *row) for row in weights)
    )


PAGES = Pages.from_bytes(index())


@pytest.mark.parametrize(
    ("question", "language", "topic"),
    [
        ("Halt, please: cancel!", "en", "stop"),
        ("중지 어떻게 해요", "ko", "stop"),
        ("GRAPHICS   card?", "en", "gpu"),
        ("그래픽카드", "ko", "gpu"),
        ("ferma, basta", "it", "stop"),
        ("football weather", "en", None),
        ("weather 어때", "ko", None),
        ("축구 날씨", "ko", None),
    ],
)
def test_finds_the_page_and_the_language(question: str, language: str, topic: str | None) -> None:
    match = PAGES.nearest(question)
    assert match is not None
    assert (match.language, match.topic) == (language, topic)
    assert match.score > 0


@pytest.mark.parametrize("question", ["", "   ", "?!…", "\n\t"])
def test_nothing_to_go_on_is_no_match(question: str) -> None:
    assert PAGES.nearest(question) is None


def test_a_question_between_two_topics_is_not_foreign() -> None:
    one = PAGES.nearest("weather football stop halt")
    two = PAGES.nearest("weather football stop halt card layers")
    assert one is not None
    assert two is not None
    assert (one.topic, two.topic) == (None, "stop")


def test_decomposed_text_is_the_same_question() -> None:
    decomposed = "\u1100\u1173\u1105\u1162\u1111\u1175\u11a8\u110f\u1161\u1103\u1173"  # 그래픽카드 in jamo
    assert PAGES.nearest(decomposed) == PAGES.nearest("그래픽카드")


def test_the_language_of_the_window_breaks_a_tie() -> None:
    for language in LANGUAGES:
        match = PAGES.nearest("zzz 123", language=language)
        assert match is not None
        assert match.language == language
    for question in ("zzz 123", "halt ferma"):
        match = PAGES.nearest(question, language="xx")
        assert match is not None
        assert match.language == "en"
    assert PAGES.nearest("graphics card", language="ko") == PAGES.nearest("graphics card")
    assert PAGES.nearest("graphics card", language="xx") == PAGES.nearest("graphics card")


@pytest.mark.parametrize("text", ["안", "ㅋㅋ", "\u1100\u1161"])
def test_a_single_korean_letter_is_korean(text: str) -> None:
    assert language_of(f"pizza {text}", LANGUAGES, [1.0, 0.0, 0.0], "en") == "ko"


@pytest.mark.parametrize(("languages", "hint"), [(("en",), ""), (("ko",), "en"), (("en", "ko"), "")])
def test_any_set_of_languages_has_an_answer(languages: tuple[str, ...], hint: str) -> None:
    assert language_of("pizza", languages, [-1.0] * len(languages), hint) == languages[0]


def test_every_language_has_the_start_of_a_refusal() -> None:
    assert set(REFUSAL_STARTS) == set(LANGUAGES)


def test_a_very_long_question_is_cut() -> None:
    match = PAGES.nearest("stop " * 100_000)
    assert match is not None
    assert match.topic == "stop"


@pytest.mark.parametrize("length", [0, 7, HEADER.size - 1, HEADER.size, HEADER.size + 3, 60, 5000, -1])
def test_a_truncated_index_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match=DAMAGED):
        Pages.from_bytes(index()[:length])


@pytest.mark.parametrize(
    "header",
    [
        (b"GGUF\0\0\0\0", BUCKETS, 3, 2, 0.0),
        (MAGIC, 0, 3, 2, 0.0),
        (MAGIC, 2**32 - 1, 3, 2, 0.0),
        (MAGIC, BUCKETS - 1, 3, 2, 0.0),
        (MAGIC, BUCKETS, 1, 2, 0.0),
        (MAGIC, BUCKETS, 65535, 2, 0.0),
        (MAGIC, BUCKETS, 3, 0, 0.0),
        (MAGIC, BUCKETS, 3, 65535, 0.0),
        (MAGIC, BUCKETS, 3, 2, float("nan")),
        (MAGIC, BUCKETS, 3, 2, float("inf")),
    ],
)
def test_a_header_that_lies_is_refused(header: tuple[bytes, int, int, int, float]) -> None:
    with pytest.raises(ValueError, match=DAMAGED):
        Pages.from_bytes(HEADER.pack(*header) + index()[HEADER.size :])


def test_more_bytes_than_promised_are_refused() -> None:
    with pytest.raises(ValueError, match=DAMAGED):
        Pages.from_bytes(index() + b"\0")


def test_names_and_scales_are_checked() -> None:
    good = index()
    with pytest.raises(ValueError, match=DAMAGED):
        Pages.from_bytes(good.replace(b"\x04stop", b"\x04st\xff\xfe", 1))
    with pytest.raises(ValueError, match=DAMAGED):
        Pages.from_bytes(good.replace(b"\x04stop", b"\xffstop", 1))
    with pytest.raises(ValueError, match=DAMAGED):
        Pages.from_bytes(index(scale=float("nan")))


def test_features_are_sorted_unique_and_in_range() -> None:
    found = features("stop Stop STOP", 97)
    assert found == sorted(set(found))
    assert all(0 <= bucket < 97 for bucket in found)
    assert features("", 97) == []


def test_page_text_is_title_and_one_line_a_paragraph() -> None:
    wanted = "Stop\nPress it. Again.\nText stays."
    assert page_text("# Stop\n\nPress it.\nAgain.\n\n\n\nText stays.\n") == wanted
    assert page_text("") == ""
