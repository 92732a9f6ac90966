"""What the doctor says of the trash and of counted bytes, and how it mends them, on both stacks."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, select, update

from shared import clock, db
from shared.doctor import trash
from shared.lifecycle import Status
from shared.models import Task, TrashItem
from shared.settings import Settings
from shared.trash import GIVEN_UP
from tests.orders import add_task, add_user, result_entry

FILES = [result_entry("a.png", data=b"1234", thumbnail=result_entry("a.webp", data=b"12"))]


@pytest.fixture
def user_id(engine: Engine) -> int:
    return add_user(engine)


def change(engine: Engine, **values: object) -> None:
    with db.write(engine) as connection:
        connection.execute(update(Task).values(values))


def test_deleted_records_that_are_in_no_trash_are_put_there(settings: Settings, engine: Engine, user_id: int) -> None:
    add_task(engine, user_id)
    moment = clock.now() - timedelta(days=9)
    change(engine, status=Status.FAILED, deleted_at=moment)

    before = trash.trash(settings, engine, repair=False)
    mended = trash.trash(settings, engine, repair=True)

    assert (before.is_well, before.said[:17], mended.is_well) == (False, "1 deleted records", True)
    assert "1 of them new" in mended.said
    with engine.connect() as connection:
        [item] = connection.execute(select(TrashItem.user_id, TrashItem.deleted_at)).all()
    assert (item.user_id, item.deleted_at) == (user_id, moment)


@pytest.mark.parametrize(("moment", "well"), [(timedelta(days=32), False), (timedelta(days=30.5), True), (None, True)])
@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_what_should_have_been_removed_long_ago_is_a_trouble(
    settings: Settings, engine: Engine, user_id: int, moment: timedelta | None, well: bool
) -> None:
    deleted_at = clock.now() - moment if moment else GIVEN_UP
    with db.write(engine) as connection:
        connection.execute(insert(TrashItem).values(user_id=user_id, name="a", deleted_at=deleted_at))

    assert trash.trash(settings, engine, repair=False).is_well == well


def test_results_that_were_not_counted_are_counted(engine: Engine, user_id: int) -> None:
    add_task(engine, user_id)
    change(engine, status=Status.COMPLETED, has_result=True, results=FILES)

    answers = [trash.sizes(engine, repair).is_well for repair in (False, True, False)]

    assert answers == [False, True, True]
    with engine.connect() as connection:
        assert connection.scalar(select(Task.bytes)) == 6
