"""Characters and stop strings at the growing end of a reply."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.engine.tail import Tail


@given(st.text(), st.integers(1, 3))
def test_text_cut_anywhere_comes_out_whole(text: str, step: int) -> None:
    data, tail = text.encode("utf-8", "replace"), Tail(())
    given_out = [tail.push(data[at : at + step]) for at in range(0, len(data), step)]
    assert "".join(given_out) == data.decode()
    assert tail.flush(ended=True) == ""


def test_half_a_character_waits_and_is_a_fault_only_at_the_models_own_end() -> None:
    for ended, rest in ((True, "\ufffd"), (False, "")):
        tail = Tail(())
        assert [tail.push(bytes([b])) for b in "글".encode()[:2]] == ["", ""]
        assert tail.flush(ended=ended) == rest


def test_invalid_bytes_show_at_once() -> None:
    assert Tail(()).push(b"a\xff\xffb") == "a\ufffd\ufffdb"


@pytest.mark.parametrize("stop", [("User:",), ("###", "User:"), ("", "User:"), ("User:", "er")])
def test_a_stop_string_across_pushes(stop: tuple[str, ...]) -> None:
    tail, out = Tail(stop), ""
    for piece in ("Hello. U", "s", "er", ": what"):
        out += tail.push(piece.encode())
        assert "Us" not in out or "er" in stop
        if tail.stopped:
            break
    assert tail.stopped
    assert out in ("Hello. ", "Hello. Us")
    assert tail.flush(ended=True) == ""


def test_what_only_looked_like_a_stop_string_is_given_out() -> None:
    tail = Tail(("abcd",))
    assert [tail.push(p) for p in (b"xab", b"c", b"abc", b"!")] == ["x", "", "abc", "abc!"]
    assert tail.push(b"abc") == ""
    assert tail.flush(ended=False) == "abc"


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.integers(1, 4))
def test_cut_exactly_before_the_first_stop(text: str, stops: list[str], step: int) -> None:
    tail, out = Tail(tuple(stops)), ""
    for at in range(0, len(text), step):
        out += tail.push(text[at : at + step].encode())
        if tail.stopped:
            break
    out += tail.flush(ended=True)
    if not any(s in text for s in stops):
        assert out == text
        return
    assert tail.stopped
    assert text.startswith(out)
    assert any(text.startswith(s, len(out)) for s in stops)
