"""What of a task's times is news: enough that no 304 hides another order of them, so little that most polls are 304."""

from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine

from backend.services.generation import Eta, generation
from backend.services.links import Links
from backend.services.task_rows import own
from tests.conftest import SECRET
from tests.orders import add_task, add_user

pytestmark = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is up to a database


@pytest.fixture
def waiting(engine: Engine) -> Any:
    """The row of a task that waits."""
    user_id = add_user(engine)
    add_task(engine, user_id)
    with engine.connect() as connection:
        return connection.execute(own(user_id)).one()


def revision(row: Any, seconds: int | None) -> str:
    eta = Eta(seconds, None) if seconds else None
    return generation(row, Links(SECRET, 60), queue_position=3, eta=eta).revision


def test_nine_of_ten_polls_of_a_countdown_are_unchanged(waiting: Any) -> None:
    polls = [revision(waiting, seconds) for seconds in range(600, 0, -5)]

    news = sum(one != other for one, other in pairwise(polls))

    assert 0 < news <= len(polls) / 10


@pytest.mark.parametrize("seconds", [None, 50, 200, 1000])
def test_another_order_of_time_is_news(waiting: Any, seconds: int | None) -> None:
    assert revision(waiting, seconds) != revision(waiting, 100)
