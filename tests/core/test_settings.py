"""The table of settings is complete and consistent; no invalid value passes; the nearest level wins."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.errors import SettingError
from desktop.core.generation import FlashAttention, LoadSettings, Sampling, load_settings, sampling
from desktop.core.settings import BY_KEY, TABLE, Group, Kind, Scope, Setting, check, resolve

ROWS = pytest.mark.parametrize("row", TABLE, ids=[row.key for row in TABLE])
NUMBERS = [row for row in TABLE if row.kind in (Kind.WHOLE, Kind.NUMBER)]
JUNK = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.text() | st.integers())
    | st.binary()
)


@ROWS
def test_a_row_explains_itself(row: Setting) -> None:
    assert row.key.isidentifier()
    assert row.label[0].isupper()
    assert row.help.endswith(".")
    assert len(row.help) > 20
    assert row.reload == (row.group is Group.LOAD)
    assert row.group is Group.SPEED or (row.scope is Scope.GLOBAL) == (
        row.group in (Group.WINDOW, Group.BACKGROUND, Group.PRIVACY)
    )


@ROWS
def test_a_row_agrees_with_itself(row: Setting) -> None:
    assert check(row.key, row.default) == row.default
    assert (row.kind is Kind.CHOICE) == bool(row.choices)
    assert len({choice.value for choice in row.choices}) == len(row.choices)
    if row in NUMBERS:
        assert row.low < row.high
        assert row.step > 0
    for special, meaning in row.special:
        assert check(row.key, special) == special
        assert meaning


def test_keys_are_unique_and_cover_what_the_engine_needs() -> None:
    assert len(BY_KEY) == len(TABLE)
    assert {f.name for f in fields(LoadSettings)} == {row.key for row in TABLE if row.group is Group.LOAD}
    assert {f.name for f in fields(Sampling)} <= {row.key for row in TABLE if row.group is Group.SAMPLING}


def test_the_defaults_are_the_contracts() -> None:
    assert load_settings(resolve()) == LoadSettings()
    assert sampling(resolve()) == Sampling()


@pytest.mark.parametrize("row", NUMBERS, ids=[row.key for row in NUMBERS])
def test_bounds_are_kept_exactly(row: Setting) -> None:
    assert check(row.key, row.low) == row.low
    assert check(row.key, row.high) == row.high
    outside: list[object] = [row.high + row.step, math.nan, math.inf, -math.inf, 10**400, True, "1", None]
    special = [value for value, _ in row.special]
    outside += [value for value in (row.low - 1, -2) if value not in special]
    outside += [row.low + 0.5] * (row.kind is Kind.WHOLE)
    for value in outside:
        with pytest.raises(SettingError) as raised:
            check(row.key, value)
        assert str(raised.value).startswith(f"“{row.label}” takes ")


@given(st.sampled_from(TABLE), JUNK)
def test_whatever_is_given_a_valid_value_or_a_sentence_comes_back(row: Setting, value: Any) -> None:
    try:
        found = check(row.key, value)
    except SettingError as error:
        sentence = str(error)
    else:
        assert check(row.key, found) == found
        assert type(found) is type(row.default)
        return
    assert row.label in sentence
    assert len(sentence) < 200


def test_choices_switches_and_texts() -> None:
    assert check("kv_type", "q8_0") == "q8_0"
    assert check("mmap", False) is False
    assert check("stop", ["a", "b"]) == ("a", "b")
    assert check("context", 8192.0) == 8192
    assert isinstance(check("temperature", 1), float)
    for key, value in [("kv_type", "q9"), ("mmap", 1), ("stop", "a"), ("stop", [""]), ("language", "fr")]:
        with pytest.raises(SettingError, match="cannot be"):
            check(key, value)
    with pytest.raises(SettingError, match="no setting called “nonsense”"):
        check("nonsense", 1)


def test_the_values_of_the_material_are_permitted() -> None:
    given_values = {"context": 8192, "batch": 24, "threads": 7, "gpu_layers": -1, "seed": 1004, "max_tokens": -1}
    values = resolve(given_values, {"temperature": 0.01, "top_p": 1, "repeat_penalty": 1.2})
    assert load_settings(values) == LoadSettings(context=8192, batch=24, threads=7, gpu_layers=-1)
    assert sampling(values) == Sampling(temperature=0.01, top_p=1.0, repeat_penalty=1.2, seed=1004)


def test_the_nearest_level_wins_and_bad_values_are_passed_over() -> None:
    chat, model, everywhere = {"context": 512}, {"context": 1024, "seed": 1}, {"seed": 2, "top_k": 3}
    values = resolve(chat, model, everywhere)
    assert (values["context"], values["seed"], values["top_k"], values["batch"]) == (512, 1, 3, 512)
    assert resolve({"context": -7, "gone": 1}, {"context": 1024})["context"] == 1024


def test_flash_attention_becomes_its_kind() -> None:
    assert load_settings(resolve({"flash_attention": "off"})).flash_attention is FlashAttention.OFF


LEVEL = st.dictionaries(st.sampled_from([*BY_KEY, "unknown"]), JUNK, max_size=4)


@given(st.lists(LEVEL, max_size=3))
def test_stored_levels_of_any_content_resolve_to_valid_values(levels: list[dict[str, Any]]) -> None:
    values = resolve(*levels)
    assert set(values) == set(BY_KEY)
    assert all(check(key, value) == value for key, value in values.items())
    load_settings(values)
    sampling(values)
