"""The tree in the docstring is the tree in the code; an error says its sentence and crosses processes."""

from __future__ import annotations

import pickle
import re

import pytest

from desktop.core import errors
from desktop.core.errors import N_, UserError


def below(kind: type[UserError]) -> list[type[UserError]]:
    """The kinds of a kind, each followed by its own."""
    return [one for child in kind.__subclasses__() for one in (child, *below(child))]


KINDS = below(UserError)


def test_the_docstring_draws_the_tree() -> None:
    drawn = re.findall(r"── (\w+)", errors.__doc__ or "")
    assert drawn == [kind.__name__ for kind in KINDS if kind.__module__ == errors.__name__]
    assert all(issubclass(kind, UserError) for kind in KINDS)


@pytest.mark.parametrize("kind", [UserError, *KINDS], ids=lambda kind: kind.__name__)
def test_an_error_keeps_its_message_and_fields(kind: type[UserError]) -> None:
    error = kind(N_("“{name}” holds {count} of {{all}}."), name="김철수 D'Angelò", count=3)
    assert str(error) == "“김철수 D'Angelò” holds 3 of {all}."
    assert error.message == "“{name}” holds {count} of {{all}}."
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (again.message, again.fields, str(again)) == (error.message, error.fields, str(error))


def test_a_bug_is_not_a_user_error() -> None:
    assert not issubclass(UserError, (OSError, ValueError))
    assert not issubclass(ValueError, UserError)
