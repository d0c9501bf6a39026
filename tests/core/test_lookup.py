"""Drafts from what was said before, and when they are tried."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.lookup import MOST, SIZES, Costs, Draft, Index, Lookup

WORDS = st.lists(st.integers(0, 3), max_size=60)


@given(WORDS, WORDS)
def test_an_index_that_grew_is_the_one_made_at_once(begun: list[int], rest: list[int]) -> None:
    grown = Index(begun)
    for token in rest:
        grown.add(token)
    assert len(grown) == len(begun) + len(rest)
    assert grown._earlier == Index(begun + rest)._earlier
    assert bool(grown.matched) == bool(Index(begun + rest).matched)


@given(WORDS)
def test_what_is_expected_followed_the_same_words(tokens: list[int]) -> None:
    index = Index()
    for token in tokens:
        index.add(token)
    pairs = set(pairwise(tokens[:-1]))
    assert bool(index.matched) == (tuple(tokens[-2:]) in pairs)
    if index.matched:
        ending = tuple(tokens[-index.matched :])
        places = [at for at in range(len(ending), len(tokens)) if tuple(tokens[at - len(ending) : at]) == ending]
        assert index.expected in {tokens[at] for at in places}


@given(WORDS.filter(lambda tokens: len(tokens) > 2), st.integers(1, 20))
def test_a_draft_is_what_following_it_would_expect(tokens: list[int], count: int) -> None:
    index = Index(tokens)
    draft = index.draft(count)
    assert len(draft) == (count if index.matched else 0)
    for token in draft:
        assert index.expected == token
        index.add(token)


def test_the_longest_match_wins_and_the_latest_of_equals() -> None:
    assert Index([1, 2, 3, 7, 9, 2, 3, 8, 1, 2, 3]).expected == 7
    assert Index([2, 3, 7, 9, 2, 3, 8, 1, 2, 3]).expected == 8


def test_what_comes_round_is_taken_to_go_on_so() -> None:
    assert Index([1, 2, 3, 4, 5, 1, 2]).draft(8) == (3, 4, 5, 1, 2, 3, 4, 5)
    assert Index([6, 6, 6]).draft(3) == (6, 6, 6)


def test_a_long_prompt_costs_little() -> None:
    began = process_time()
    index = Index(number * number % 3001 for number in range(32_000))
    for number in range(1000):
        index.add(number)
    assert process_time() - began < 2  # 0.03 s here


def measured(times: float = 1.5) -> Costs:
    """Costs of a computer on which any number of tokens takes so many times as long as one."""
    costs = Costs()
    for _ in range(30):
        costs.took(1, 0.01)
        for size in SIZES:
            costs.took(size, 0.01 * times)
    return costs


PASSAGE = list(range(100, 160))


def repeating(costs: Costs, strict: bool = False, said: int = 20) -> Lookup:
    lookup = Lookup(costs, PASSAGE, strict)
    for token in PASSAGE[:said]:
        lookup.add(token)
    return lookup


def test_a_passage_that_is_repeated_is_drafted() -> None:
    assert repeating(measured()).draft(100, 80) == Draft(tuple(PASSAGE[20 : 20 + MOST - 1]))


def test_nothing_is_drafted_before_a_token_was_timed() -> None:
    assert not repeating(Costs()).draft(100, 80).tokens


def test_a_draft_keeps_within_its_room() -> None:
    lookup = repeating(measured())
    assert len(lookup.draft(4, 80).tokens) == 3
    assert len(lookup.draft(7, 80).tokens) == 3
    assert not lookup.draft(2, 80).tokens


def test_nothing_is_drafted_where_several_take_as_long_as_one_by_one() -> None:
    assert not repeating(measured(times=8)).draft(100, 80).tokens


def test_a_cost_that_forbade_is_tried_again_seldom() -> None:
    lookup = repeating(measured(times=20), said=40)
    waited = next(number for number in range(2000) if lookup.draft(100, 80).tokens)
    assert 100 < waited < 2000


def test_text_that_goes_another_way_is_drafted_no_more() -> None:
    """Every third word is another one: what followed two words before is wrong as often as right."""
    tokens = [token for number in range(200) for token in (1, 2, 1000 + number)]
    lookup = Lookup(measured(times=3), tokens, strict=False)
    drafted = 0
    for number in range(300):
        lookup.add((1, 2, 5000 + number)[number % 3])
        drafted += bool(lookup.draft(100, 80).tokens)
    assert drafted <= 30


@pytest.mark.parametrize("length", [50, 200, 1000])
def test_what_is_lost_is_little_even_on_a_text_made_for_it(length: int) -> None:
    """Each try costs three tokens' time and gives one."""
    lookup, tries, lost = Lookup(measured(times=3), PASSAGE * 3, strict=False), 0, 0.0
    for count in range(length):
        lookup.add(PASSAGE[count % len(PASSAGE)])
        if lookup.draft(100, 80).tokens:
            tries += 1
            lookup.won(1, 3)
            lost += 2
    assert tries
    assert lost <= 1 + 0.01 * length + 2


def test_the_very_same_text_is_promised_only_after_proof() -> None:
    costs = measured()
    lookup = repeating(costs, strict=True)
    assert lookup.draft(100, 80) == Draft(tuple(PASSAGE[20:27]), proof=True)
    assert not lookup.draft(100, 80).tokens  # one that proved nothing is not tried again at once
    costs.proved(8, 80, same=True)
    assert lookup.draft(100, 80) == Draft(tuple(PASSAGE[20:27]))
    assert len(lookup.draft(5, 80).tokens) == 3  # what holds for eight holds for four
    assert lookup.draft(100, 300).proof  # longer texts are computed in other ways
    costs.debt = 0
    assert not repeating(costs, strict=True, said=10).draft(100, 300).tokens  # what wins nothing waits until it is sure


def test_where_eight_differ_three_are_tried() -> None:
    costs = measured(times=1.2)
    lookup = repeating(costs, strict=True)
    costs.proved(8, 80, same=False)
    assert lookup.draft(100, 80) == Draft(tuple(PASSAGE[20:22]), proof=True)
    costs.proved(3, 80, same=True)
    assert lookup.draft(100, 80) == Draft(tuple(PASSAGE[20:22]))
    assert lookup.draft(100, 300) != Draft(tuple(PASSAGE[20:22]))
    costs.proved(3, 80, same=False)
    assert not lookup.draft(100, 80).tokens


def test_proof_is_not_asked_for_where_text_may_differ() -> None:
    costs = measured()
    costs.proved(8, 80, same=False)
    assert repeating(costs).draft(100, 80) == Draft(tuple(PASSAGE[20:27]))


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
def test_a_time_that_is_far_off_counts_little(seconds: float) -> None:
    costs = measured(times=2)
    assert costs.took(8, seconds) < 4.1
    assert 1 < costs.times(8) < 3
    costs.took(1, seconds)
    assert 0.008 < costs.single < 0.012
