from __future__ import annotations

import pickle

import pytest

from intclass.components.shared import errors
from intclass.components.shared.errors import ExpressionError, IntclassError

ERRORS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    named = {line.split()[1] for line in errors.__doc__.splitlines() if line.startswith(("├──", "└──"))}
    assert named == {error.__name__ for error in ERRORS} - {"IntclassError"}


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_can_be_caught_as_one(error: type[Exception]) -> None:
    assert issubclass(error, IntclassError)
    assert error.__doc__


def test_an_expression_error_knows_its_place() -> None:
    assert ExpressionError("unknown name 'y'", position=3).position == 3
    assert ExpressionError("too long").position is None


def test_an_error_survives_the_way_from_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(ExpressionError("unknown name 'y'", position=3)))
    assert (str(error), error.position) == ("unknown name 'y'", 3)
