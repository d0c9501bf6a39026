"""Markdown cut while it grows, and shown without harm."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.ui import markdown
from desktop.ui.markdown import LIMIT, Kind, Segment, Segments, split_thoughts

PARTS = (
    "# Heading\n\n",
    "Some *text* with `code`,\nand a second line.\n\n",
    "- one\n- two\n  - nested\n\n",
    "1. first\n2. second\n\n",
    "| a | b |\n|---|--:|\n| 1 | 2 |\n\n",
    "```python\nx = 1\n\ny = 2\n```\n\n",
    "> quoted\n> more\n\n",
    "---\n\n",
    "한국어 문장입니다. 😊\n\n",
    "word " * 300 + "\n\n",
)


def all_of(text: str) -> list[Segment]:
    found = Segments(text)
    return [*found.settled, *found.live]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=25), st.integers(1, 400))
def test_growing_gives_what_reading_at_once_gives(parts: list[str], step: int) -> None:
    text = "".join(parts)
    growing = Segments()
    for at in range(0, len(text), step):
        settled = list(growing.settled)
        growing.append(text[at : at + step])
        assert growing.settled[: len(settled)] == settled
    assert [*growing.settled, *growing.live] == all_of(text)


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_any_text_is_kept_and_shown_safely(text: str) -> None:
    segments = all_of(text)
    if not any(s.kind is Kind.CODE for s in segments):
        shown = "".join(s.source for s in segments)
        assert not shown or shown == text.replace("\r\n", "\n").replace("\r", "\n")
    for segment in segments:
        assert not re.search(r"<(script|img|iframe|object|style|link)\b", markdown.html(segment.source))


@pytest.mark.parametrize(
    "text",
    [
        "word " * 20_000,
        "```py\n" + "x = 1\n" * 8_000,
        "```\n" + "x" * 60_000 + "\n```\nend",
        "|a|b|\n|-|-|\n" + "|1|2|\n" * 6_000,
        "- item here\n" * 4_000,
        "> quoted words\n" * 3_000,
        "\n" * 60_000 + "end",
        ">" * 40_000,
        "- " * 20_000,
        "[" * 40_000,
        "![" * 20_000,
        "*a " * 15_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_pathological_text_is_cut_small_and_quick_to_show(text: str) -> None:
    begun = time.process_time()
    segments = all_of(text)
    assert max(len(s.source) for s in segments) <= 2 * LIMIT
    for segment in segments[:3] + segments[-3:]:
        markdown.html(segment.source)
    assert time.process_time() - begun < 4


def test_streaming_is_linear() -> None:
    def cost(characters: int) -> float:
        text = "".join(PARTS[:9]) * (characters // sum(map(len, PARTS[:9])))
        begun, growing = time.process_time(), Segments()
        for at in range(0, len(text), 26):
            growing.append(text[at : at + 26])
        return time.process_time() - begun

    small, large = cost(5_000), cost(20_000)
    assert large < 12 * small + 0.1  # four times the text; quadratic would be sixteen times


def test_code_is_a_segment_of_its_own_and_a_long_one_stays_one_block() -> None:
    before, code, after = all_of("Look:\n\n```py\nx = 1\n```\n\nThat is it.")
    assert (code.kind, code.source, code.language) == (Kind.CODE, "x = 1", "py")
    assert (before.source, after.source) == ("Look:\n\n", "That is it.")
    lines = [f"line {n}" for n in range(1_000)]
    parts = [s for s in all_of("```c\n" + "\n".join(lines) + "\n```\n\nend") if s.kind is Kind.CODE]
    assert len(parts) > 2
    assert "\n".join(part.source for part in parts).split("\n") == lines
    assert [p.continued for p in parts] == [False, *[True] * (len(parts) - 1)]
    assert [p.goes_on for p in parts] == [*[True] * (len(parts) - 1), False]
    assert {p.language for p in parts} == {"c"}


def test_long_paragraph_stays_one_while_it_grows_too() -> None:
    text = "One more sentence. " * 300 + "\n\nEnd."
    growing = Segments()
    for at in range(0, len(text), 50):
        growing.append(text[at : at + 50])
    parts = all_of(text)
    assert [*growing.settled, *growing.live] == parts
    assert len(parts) > 3
    assert [p.continued for p in parts] == [False, *[True] * (len(parts) - 1)]
    assert [p.goes_on for p in parts] == [*[True] * (len(parts) - 1), False]
    apart = all_of(("word " * 200 + "\n\n") * 4)
    assert not any(p.continued or p.goes_on for p in apart)


def test_unclosed_code_is_code_while_it_streams() -> None:
    assert all_of("```js\nlet a") == [Segment(Kind.CODE, "let a", "js")]


def test_long_table_repeats_its_header() -> None:
    segments = all_of("| a | b |\n|---|---|\n" + "| one | two |\n" * 400)
    assert len(segments) > 2
    assert all("<th" in markdown.html(s.source) for s in segments)


def test_long_list_keeps_its_numbers() -> None:
    segments = all_of("".join(f"{n}. item number {n} of the list\n" for n in range(1, 200)))
    assert len(segments) > 2
    assert 'start="' in markdown.html(segments[1].source)


@pytest.mark.parametrize("address", ["https://a.example/x?y=1", "http://a.example", "mailto:a@a.example"])
def test_web_and_mail_links_are_links(address: str) -> None:
    assert f'href="{address}"' in markdown.html(f"[text]({address})")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "/x", "ftp://a"])
def test_other_links_stay_text(address: str) -> None:
    assert "href" not in markdown.html(f"[text]({address})")


def test_pictures_are_links_and_html_is_text() -> None:
    html = markdown.html("![a cat](https://a.example/cat.png) <img src=x onerror=y> <b>bold</b>")
    assert '<a href="https://a.example/cat.png">a cat</a>' in html
    assert "<img" not in html
    assert "<b>" not in html
    nested = markdown.html("[![alt](https://a.example/i.png)](https://a.example)")
    assert nested.count("<a ") == 1
    assert "alt</a>" in nested


def test_nesting_is_bounded() -> None:
    assert markdown.html("> " * 600 + "deep").count("<table") <= 20


def test_thoughts() -> None:
    assert split_thoughts("Hello") is None
    done = split_thoughts("<think>\nHm.\n</think>\n\nHello")
    assert done is not None
    assert (done.text, done.ended, done.answer) == ("Hm.", True, "Hello")
    going = split_thoughts("<think>Hm")
    assert going is not None
    assert (going.text, going.ended, going.answer) == ("Hm", False, "")
    lone = split_thoughts("Hm.\n</think>\nHello")
    assert lone is not None
    assert (lone.text, lone.answer) == ("Hm.", "Hello")
    opened = split_thoughts("Hm", started=True)
    assert opened is not None
    assert not opened.ended
    assert split_thoughts("Write `</think>` to end.") is None
