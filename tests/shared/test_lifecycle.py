"""The table of legal moves."""

import itertools

import pytest
from sqlalchemy.dialects import sqlite

from shared.lifecycle import LEGAL, IllegalMove, Status, move

ILLEGAL = sorted(set(itertools.product(Status, Status)) - LEGAL)


@pytest.mark.parametrize(("before", "after"), ILLEGAL)
def test_no_other_move_can_be_written(before: Status, after: Status) -> None:
    with pytest.raises(IllegalMove):
        move(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(LEGAL))
def test_a_move_is_conditional_on_where_the_task_stands(before: Status, after: Status) -> None:
    assert str(before) in move(before, after).compile(dialect=sqlite.dialect()).params.values()
