"""The nearest level wins, and the form can say where a value is from."""

from __future__ import annotations

from desktop.core.levels import Level, Levels, rows_for
from desktop.core.settings import BY_KEY, TABLE, Scope

CHAT = Levels(
    Level.CHAT,
    {"temperature": 0.1},
    ((Level.MODEL, {"temperature": 0.2, "top_k": 2}), (Level.ALL, {"temperature": 0.3, "top_k": 3, "top_p": 0.5})),
)


def test_the_nearest_level_wins() -> None:
    values, inherited = CHAT.values(), CHAT.inherited()
    assert (values["temperature"], inherited["temperature"]) == (0.1, 0.2)
    assert (values["top_k"], values["top_p"]) == (2, 0.5)
    assert values["seed"] == BY_KEY["seed"].default


def test_the_origin_of_what_is_inherited() -> None:
    assert CHAT.origin("temperature") is Level.MODEL
    assert CHAT.origin("top_p") is Level.ALL
    assert CHAT.origin("seed") is Level.DEFAULT


def test_other_values_at_the_same_level() -> None:
    assert CHAT.with_own({}).values()["temperature"] == 0.2
    assert CHAT.with_own({}).level is Level.CHAT


def test_rows_of_a_level() -> None:
    assert set(rows_for(Level.ALL)) == set(TABLE)
    assert all(row.scope is Scope.ANY for row in rows_for(Level.CHAT))
    order = ("Appearance", "Answering", "Loading", "Speed", "In the background", "Privacy")
    groups = [row.group for row in rows_for(Level.ALL)]
    assert groups == sorted((row.group for row in TABLE), key=lambda group: order.index(group.value))
