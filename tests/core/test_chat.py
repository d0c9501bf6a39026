"""The tree of messages: paths, versions, branches, deletion, and files that hold a damaged one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.core.chat import Chat, Message, Opening, Role, Tree, Turn


def said(name: str, parent: str | None, *, at: float = 0, deleted: bool = False) -> Message:
    role = Role.USER if name.startswith("u") else Role.ASSISTANT
    return Message(name, parent, role, name.upper(), at, deleted=deleted)


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


# u1 ── a1 ── u2 ── a2      a question, answered twice, the second answer asked about
#   └── a1b ── u3
MESSAGES = [
    said("u1", None, at=1),
    said("a1", "u1", at=2),
    said("u2", "a1", at=3),
    said("a2", "u2", at=4),
    said("a1b", "u1", at=5),
    said("u3", "a1b", at=6),
]


def test_a_path_leads_from_the_first_message_to_the_tip() -> None:
    tree = Tree(reversed(MESSAGES))
    assert ids(tree.path("a2")) == ["u1", "a1", "u2", "a2"]
    assert ids(tree.path("u3")) == ["u1", "a1b", "u3"]
    assert tree.path(None) == []
    assert tree.path("unknown") == []


def test_versions_are_counted_oldest_first() -> None:
    tree = Tree(reversed(MESSAGES))
    assert ids(tree.siblings("a1b")) == ["a1", "a1b"]
    assert ids(tree.siblings("u1")) == ["u1"]


def test_switching_leads_to_the_end_of_the_branch() -> None:
    tree = Tree(MESSAGES)
    assert tree.newest_leaf("a1") == "a2"
    assert tree.newest_leaf("u1") == "u3"
    assert tree.newest_leaf("a2") == "a2"


def test_a_deleted_message_hides_what_hangs_below_it() -> None:
    tree = Tree(MESSAGES)
    tree.put(replace(tree["u2"], deleted=True))
    assert ids(tree.path("a2")) == ["u1", "a1"]
    assert tree.newest_leaf("a1") == "a1"
    tree.put(replace(tree["a1b"], deleted=True))
    assert ids(tree.siblings("a1")) == ["a1"]
    assert tree.newest_leaf("u1") == "a1"
    tree.put(replace(tree["u2"], deleted=False))
    assert ids(tree.path("a2")) == ["u1", "a1", "u2", "a2"]


def test_a_reply_grows_in_its_place() -> None:
    tree = Tree(MESSAGES)
    tree.put(replace(tree["a1"], text="longer"))
    assert len(tree) == 6
    assert ids(tree.siblings("a1")) == ["a1", "a1b"]
    assert tree["a1"].text == "longer"
    tree.put(said("a1c", "u1", at=7))
    assert ids(tree.siblings("a1")) == ["a1", "a1b", "a1c"]
    assert "a1c" in tree
    assert "a1d" not in tree


def test_a_missing_parent_begins_a_path() -> None:
    assert ids(Tree(MESSAGES[2:]).path("a2")) == ["u2", "a2"]


def test_circles_in_a_damaged_file_end() -> None:
    tree = Tree([said("u1", "a1"), said("a1", "u1"), said("u2", "u2")])
    assert ids(tree.path("u1")) == ["a1", "u1"]
    assert tree.newest_leaf("u1") == "a1"
    assert tree.newest_leaf("u2") == "u2"


NAMES = st.sampled_from(["u1", "a1", "u2", "a2", "u3"])
ANY_MESSAGES = st.lists(st.builds(said, NAMES, st.none() | NAMES, at=st.floats(0, 9), deleted=st.booleans()))


@given(ANY_MESSAGES, NAMES)
def test_any_set_of_messages_answers_every_question(messages: list[Message], tip: str) -> None:
    tree = Tree()
    for message in messages:
        tree.put(message)
    assert len(tree) <= 5
    path = tree.path(tip)
    assert len(set(ids(path))) == len(path)
    assert not any(message.deleted for message in path)
    if tip in tree:
        assert tree.newest_leaf(tip) in tree
        assert not any(message.deleted for message in tree.siblings(tip))


def test_values_do_not_change() -> None:
    for value, name in [(Turn(Role.USER, ""), "text"), (MESSAGES[0], "text"), (Chat("c", "", 0, 0), "title")]:
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "other")
    assert Chat("c", "", 0, 0).opening == Opening()
