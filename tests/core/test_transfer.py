"""What is asked, what an answer is worth, how long is waited: every branch, and a server that lies as it likes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.transfer import Answer, Fault, Held, Pace, Take, judged, question, ranged, wait_s

SHA = "a" * 64
HELD = Held(100, 40, '"one"', SHA)
PART = Answer(206, '"one"', "bytes 40-99/100", 60)
WHOLE = Answer(200, '"one"', "", 100)


def test_only_the_rest_is_asked_for() -> None:
    assert question(Held(100, 0, '"one"'), rest=True) == {}
    assert question(HELD, rest=True) == {"Range": "bytes=40-", "If-Range": '"one"'}
    assert question(HELD, rest=False) == {}


@pytest.mark.parametrize("etag", ["", 'W/"one"', "one"])
def test_a_weak_validator_is_no_condition(etag: str) -> None:
    assert question(replace(HELD, etag=etag), rest=True) == {"Range": "bytes=40-"}


def test_a_file_is_whole_when_all_of_it_is_here() -> None:
    assert Held(100, 100).whole
    assert not HELD.whole
    assert not Held(0, 0).whole


@pytest.mark.parametrize(
    "answer",
    [
        PART,
        replace(PART, etag=""),
        replace(PART, etag='W/"two"'),
        replace(PART, content_range=" bytes 40-50/100 "),
        replace(PART, encoding="identity"),
        replace(PART, origin=False),
    ],
)
def test_the_part_that_was_asked_for_is_taken(answer: Answer) -> None:
    assert judged(HELD, True, answer) == Take(size=100)


def test_a_part_of_unknown_whole_is_taken() -> None:
    assert judged(HELD, True, replace(PART, content_range="bytes 40-99/*")) == Take(size=0)
    assert judged(replace(HELD, size=0), True, replace(PART, content_range="bytes 40-99/120")) == Take(size=120)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "bytes 0-99/100",
        "bytes 41-99/100",
        "bytes 40-39/100",
        "bytes 40-100/100",
        "bytes 40-99",
        "bytes -40-99/100",
        "octets 40-99/100",
        "bytes 40-99/100, bytes 0-1/100",
    ],
)
def test_a_part_that_is_another_is_not_taken(told: str) -> None:
    assert judged(HELD, True, replace(PART, content_range=told)) is Fault.LIED


def test_a_file_of_another_length_is_told() -> None:
    assert judged(HELD, True, replace(PART, content_range="bytes 40-100/101")) is Fault.SIZE
    assert judged(HELD, False, replace(WHOLE, content_length=90)) is Fault.SIZE
    assert judged(Held(100, 0), True, replace(WHOLE, content_length=110)) is Fault.SIZE
    assert judged(HELD, True, Answer(416, content_range="bytes */40")) is Fault.SIZE
    assert judged(HELD, True, Answer(416, content_range="bytes */100")) is Fault.REFUSED
    assert judged(HELD, True, Answer(200, '"two"', "", 90)) == Take(anew=True, size=90)


def test_a_part_nobody_asked_for_or_packed_is_not_taken() -> None:
    assert judged(HELD, False, PART) is Fault.LIED
    assert judged(Held(100, 0), True, replace(PART, content_range="bytes 0-99/100")) is Fault.LIED
    assert judged(HELD, True, replace(PART, encoding="gzip")) is Fault.LIED


def test_a_part_of_another_file_begins_it_anew() -> None:
    assert judged(HELD, True, replace(PART, etag='"two"')) is Fault.CHANGED


def test_the_whole_is_taken_where_nothing_is_here() -> None:
    assert judged(Held(100, 0), True, WHOLE) == Take(size=100)
    assert judged(Held(0, 0), True, replace(WHOLE, content_length=None)) == Take(size=0)
    assert judged(Held(0, 0), True, replace(WHOLE, encoding="gzip")) == Take(size=0)


def test_the_whole_instead_of_the_rest_is_asked_again_and_then_skipped() -> None:
    assert judged(HELD, True, WHOLE) is Fault.IGNORED
    assert judged(HELD, False, WHOLE) == Take(skip=40, size=100)


@pytest.mark.parametrize("rest", [True, False])
def test_the_whole_of_another_file_begins_it_anew(rest: bool) -> None:
    assert judged(HELD, rest, replace(WHOLE, etag='"two"')) == Take(anew=True, size=100)
    assert judged(replace(HELD, etag="", sha256=""), rest, WHOLE) == Take(anew=True, size=100)


def test_a_page_of_a_hotel_is_no_file() -> None:
    assert judged(Held(100, 0), True, replace(WHOLE, kind="text/html; charset=utf-8")) is Fault.ILL


@pytest.mark.parametrize(
    ("status", "origin", "fault"),
    [
        (416, False, Fault.REFUSED),
        (429, True, Fault.BUSY),
        (408, True, Fault.ILL),
        (500, True, Fault.ILL),
        (503, False, Fault.ILL),
        (204, True, Fault.ILL),
        (304, True, Fault.ILL),
        (401, True, Fault.FINAL),
        (403, True, Fault.FINAL),
        (404, True, Fault.FINAL),
        (403, False, Fault.EXPIRED),
        (404, False, Fault.EXPIRED),
    ],
)
def test_what_a_status_means(status: int, origin: bool, fault: Fault) -> None:
    assert judged(HELD, True, Answer(status, origin=origin)) is fault


def test_416_to_no_range_is_final() -> None:
    assert judged(HELD, False, Answer(416)) is Fault.FINAL


def test_every_third_failure_asks_for_the_whole() -> None:
    assert [ranged(strikes) for strikes in range(6)] == [True, True, False, True, True, False]


def test_waits_double_up_to_a_minute_and_are_spread() -> None:
    assert [wait_s(strikes, 1.0) for strikes in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert wait_s(3, 0.0) == 2
    assert wait_s(10_000, 0.5) == 45
    assert wait_s(5, 0.25, wished=30.0) == 30.25


def test_the_speed_is_that_of_the_last_seconds() -> None:
    pace = Pace(5.0)
    assert pace.speed == 0
    assert pace.seconds_left(100) is None
    for second in range(20):
        pace.note(float(second), second * 100)
    assert pace.speed == 100
    assert pace.seconds_left(2900) == 10
    assert pace.seconds_left(0) is None
    for second in range(20, 26):
        pace.note(float(second), 1900)
    assert pace.speed == 0
    assert pace.seconds_left(2900) is None


def test_counting_anew_forgets_the_speed() -> None:
    pace = Pace(5.0)
    pace.note(0.0, 0)
    pace.note(1.0, 500)
    pace.note(2.0, 10)
    assert pace.speed == 0
    pace.note(2.0, 20)
    assert pace.speed == 0  # a clock that stands still


def test_many_small_pieces_are_few_samples() -> None:
    pace = Pace(20.0)
    for thousandth in range(40_000):
        pace.note(thousandth / 1000, thousandth)
    assert pace.speed == pytest.approx(1000, rel=0.01)
    assert len(pace._samples) < 30


def test_a_trickle_is_a_stall_only_after_a_whole_window() -> None:
    pace = Pace(20.0)
    for second in range(20):
        pace.note(float(second), second)
        assert not pace.stalled
    pace.note(20.0, 20)
    assert pace.stalled
    pace.note(21.0, 20 + (16 << 10))
    assert not pace.stalled


CONTENT = bytes(range(97))
LIES = st.fixed_dictionaries(
    {
        "way": st.sampled_from(["well", "well", "whole", "lie", "416", "503", "403", "gzip", "html", "total"]),
        "stop": st.integers(0, 130),
    }
)


def lied(asked: dict[str, str], way: str) -> tuple[Answer, bytes]:
    """What a server answers that has `CONTENT`, and lies in one of these ways."""
    start = int(asked["Range"][6:-1]) if "Range" in asked else None
    if way in ("416", "503", "403"):
        return Answer(int(way), origin=way != "403"), b"no"
    if way == "html":
        return Answer(200, '"one"', kind="text/html"), b"<p>"
    if start is None or way == "whole":
        return Answer(200, '"one"', "", len(CONTENT)), CONTENT + b"more"
    first = start + 1 if way == "lie" else start
    total = len(CONTENT) + (way == "total")
    answer = Answer(206, '"one"', f"bytes {first}-{len(CONTENT) - 1}/{total}", encoding="gzip" if way == "gzip" else "")
    return answer, CONTENT[first:] if way != "gzip" else b"\x1f\x8b"


@given(st.lists(LIES, max_size=40), st.booleans())
def test_whatever_a_server_says_no_wrong_byte_is_taken(script: list[dict[str, object]], known: bool) -> None:
    """`services.transfer.transfer` does with these answers what is done here."""
    got, strikes, etag = b"", 0, ""
    for step in (*script, *[{"way": "well", "stop": 130}] * 4):
        held = Held(len(CONTENT), len(got), etag, SHA if known else "")
        if held.whole:
            break
        rest = ranged(strikes)
        answer, body = lied(question(held, rest), str(step["way"]))
        judgement, before = judged(held, rest, answer), len(got)
        if isinstance(judgement, Take):
            etag = answer.etag
            got = b"" if judgement.anew else got
            got += body[: int(str(step["stop"]))][judgement.skip :][: len(CONTENT) - len(got)]
        strikes = 0 if len(got) > before else strikes + 1
        assert CONTENT.startswith(got)
    assert got == CONTENT
