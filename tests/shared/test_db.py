"""The habits of connections."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError

from shared import db


def test_a_lock_that_is_held_for_too_long_is_an_error_that_others_know(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    impatient = db.configure(create_engine(url))
    event.listen(impatient, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout = 1"))

    with db.write(db.connect(url)) as holder:
        holder.execute(text("CREATE TABLE something (id INTEGER)"))
        with pytest.raises(OperationalError, match="locked"), db.write(impatient):
            pass

    with db.write(impatient) as connection:  # and the connection is as good as before
        connection.execute(text("INSERT INTO something VALUES (1)"))
