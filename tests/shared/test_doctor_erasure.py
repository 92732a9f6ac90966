"""What the doctor says of accounts that are being erased."""

import pytest
from sqlalchemy import Engine, update

from shared import clock, db
from shared.doctor.erasure import erasures
from shared.models import User
from tests.orders import add_user

pytestmark = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)


@pytest.mark.parametrize(
    ("seconds", "well", "said"),
    [
        (None, True, "no account is to be erased"),
        (3500, True, "1 accounts are being erased"),
        (3700, False, "1 accounts should have been erased long ago: {}"),
    ],
)
def test_an_erasure_that_takes_more_than_an_hour_is_a_trouble(
    engine: Engine, seconds: float | None, well: bool, said: str
) -> None:
    user = add_user(engine)
    if seconds:
        with db.write(engine) as connection:
            connection.execute(update(User).values(erased_at=clock.database_now(-seconds)))

    found = erasures(engine)

    assert (found.is_well, found.said) == (well, said.format(user))
