import pytest

from desktop.panes.chat.snippet import tidy


def shown(text, word):
    at = text.index(word)
    found, marks = tidy(text, ((at, at + len(word)),))
    assert [found[start:end] for start, end in marks] == [word]
    return found


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("The **leek** is `green`", "The leek is green"),
        ("</think> Here: ```python leek = 1 ``` done", "Here: leek = 1 done"),
        ("## Soup  | a | leek | |---|---| ", "Soup a leek "),
        ("a_leek_b stays", "a_leek_b stays"),
    ],
)
def test_markup_is_left_out_and_the_match_stays_marked(text, plain):
    assert shown(text, "leek") == plain


def test_what_was_looked_for_is_never_left_out():
    assert shown("a ** b", "**") == "a ** b"
    assert tidy("", ()) == ("", ())


def test_it_begins_a_little_before_the_match_at_a_word():
    assert shown("word " * 12 + "leek and more", "leek") == "…word word word word leek and more"
    assert shown("가" * 50 + "먹을" + "나", "먹을") == "…" + "가" * 24 + "먹을나"


def test_all_matches_move_along():
    text = "x" * 40 + " **one** and __two__"
    found, marks = tidy(text, tuple((text.index(w), text.index(w) + 3) for w in ("one", "two")))
    assert [found[start:end] for start, end in marks] == ["one", "two"]
