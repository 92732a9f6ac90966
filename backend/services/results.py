"""The files that generations made, for their owners."""

import re
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.errors import NotFound
from shared.models import Task
from shared.storage import Storage

NAME = re.compile(r"(task_[0-9a-f]{20})(?:_[1-9][0-9]{0,2})?\.[a-z0-9]{3,4}", re.ASCII)


@dataclass(frozen=True)
class Result:
    """An open file; whoever asked for it closes the stream."""

    stream: BinaryIO
    media_type: str
    size: int
    sha256: str


class Results:
    """The results of all users."""

    def __init__(self, session: Session, storage: Storage) -> None:
        self._session = session
        self._storage = storage

    def open(self, user_id: int, name: str) -> Result:
        """Raises NotFound for a name that is no result, or somebody else's."""
        match = NAME.fullmatch(name)
        if match is None:
            raise NotFound(name)
        owned = (Task.public_id == match[1], Task.user_id == user_id)
        listed = self._session.scalar(select(Task.results).where(*owned)) or []
        self._session.rollback()  # sending a file to a slow client holds no connection
        for entry in listed:
            if entry["name"] == name:
                stream = self._storage.open(entry["key"])
                return Result(stream, entry["media_type"], entry["bytes"], entry["sha256"])
        raise NotFound(name)
