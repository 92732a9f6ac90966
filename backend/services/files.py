"""The files that generations made and users uploaded, by the names in their urls.

Whoever names a file means their own one: somebody else's is like one that does not exist.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.erasure import kept
from shared.errors import Forbidden, NotFound, Unavailable
from shared.kept import entries
from shared.models import Task, Upload
from shared.storage import EXTENSIONS, Headers, Storage

log = structlog.get_logger(__name__)

FILES_URL = "/generated_outputs/"
RESULT = re.compile(r"(task_[0-9a-f]{20})(?:_[1-9][0-9]{0,2})?(?:_thumb)?\.[a-z0-9]{3,4}", re.ASCII)
UPLOAD = re.compile(r"(ref_[0-9a-f]{20})(?:\.[a-z0-9]{3,4})?", re.ASCII)


@dataclass(frozen=True)
class StoredFile:
    """A file that can be sent; `sha256` is of its content, or another text that no other content has."""

    name: str
    key: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True)
class OwnFile(StoredFile):
    """A file of a user; `task_id` or `upload_id` is the row that it belongs to."""

    width: int
    height: int
    task_id: int | None = None
    upload_id: int | None = None

    @property
    def stem(self) -> str:
        """The name without its extension: an upload's file_id."""
        return self.name.partition(".")[0]

    @property
    def url(self) -> str:
        return FILES_URL + self.name


class Files:
    """The files of all users; each method takes whose they are, or None for whoever has a signed link."""

    def __init__(self, session: Session, storage: Storage) -> None:
        self._session = session
        self._storage = storage

    def find(self, user_id: int | None, name: str) -> OwnFile:
        """By the last part of a url, or by a file_id. Raises NotFound for no file, or somebody else's."""
        if match := RESULT.fullmatch(name):
            return self._result(user_id, match[1], name)
        if match := UPLOAD.fullmatch(name):
            return self._upload(user_id, match[1], name)
        raise NotFound(name)

    def find_of(self, caller_id: int | None, owner_id: int, name: str) -> OwnFile:
        """The same for urls that say whose file it is. Raises Forbidden for another user than the caller, NotFound."""
        if caller_id not in {None, owner_id}:
            raise Forbidden(name)
        return self.find(owner_id, name)

    def refer(self, user_id: int, text: str) -> OwnFile | None:
        """The user's file that a file_id or url of this service means; None for any other text. Raises NotFound."""
        name = _meant(text)
        return None if name is None else self.find(user_id, name)

    def refer_all(self, user_id: int, texts: Collection[str]) -> dict[str, OwnFile]:
        """Those of these texts that mean a file of the user, found by two queries however many they are."""
        names = {text: name for text in texts if (name := _meant(text))}
        results = {match[1] for name in names.values() if (match := RESULT.fullmatch(name))}
        uploads = {match[1] for name in names.values() if (match := UPLOAD.fullmatch(name))}
        found = {**self._results(user_id, results), **self._uploads(user_id, uploads)}
        return {text: found[name] for text, name in names.items() if name in found}

    def open(self, file: StoredFile) -> BinaryIO:
        """A seekable stream to read and close. Raises NotFound when the file has gone, Unavailable."""
        with reachable(file.key):
            return self._storage.open(file.key)

    def link(self, file: StoredFile, headers: Headers) -> str | None:
        """Where the storage itself sends the file, with these headers; None if it does not. Raises Unavailable."""
        with reachable(file.key):
            return self._storage.link(file.key, headers)

    def origin(self) -> str:
        """Where links lead to, such as https://s3.example.org; empty where there are none, or they cannot be made."""
        with suppress(OSError):
            link = self._storage.link("any", Headers("image/png", "inline", "private"))
            return "://".join(urlsplit(link)[:2]) if link else ""
        return ""

    def _result(self, user_id: int | None, public_id: str, name: str) -> OwnFile:
        columns = (Task.id, Task.results)
        named = select(*columns).where(Task.public_id == public_id, Task.deleted_at.is_(None), kept(Task.user_id))
        row = self._session.execute(named if user_id is None else named.where(Task.user_id == user_id)).one_or_none()
        for entry in entries(row.results if row else None):
            if row and entry["name"] == name:
                return _file(entry, task_id=row.id)
        raise NotFound(name)

    def _upload(self, user_id: int | None, public_id: str, name: str) -> OwnFile:
        named = select(Upload).where(Upload.public_id == public_id, kept(Upload.user_id))
        row = self._session.scalar(named if user_id is None else named.where(Upload.user_id == user_id))
        if row is None or name not in {public_id, upload_name(row)}:
            raise NotFound(name)
        return upload_file(row)

    def _results(self, user_id: int, public_ids: Collection[str]) -> dict[str, OwnFile]:
        own = (Task.user_id == user_id, Task.deleted_at.is_(None))
        rows = self._session.execute(select(Task.id, Task.results).where(Task.public_id.in_(public_ids), *own))
        return {entry["name"]: _file(entry, task_id=row.id) for row in rows for entry in entries(row.results)}

    def _uploads(self, user_id: int, public_ids: Collection[str]) -> dict[str, OwnFile]:
        """Each by both of its names."""
        own = select(Upload).where(Upload.public_id.in_(public_ids), Upload.user_id == user_id)
        rows = self._session.scalars(own).all()
        return {name: upload_file(row) for row in rows for name in (row.public_id, upload_name(row))}


def save(storage: Storage, key: str, data: bytes) -> None:
    """Write a file that somebody waits for. Raises Unavailable."""
    with reachable(key):
        storage.save(key, data)


@contextmanager
def reachable(key: str) -> Iterator[None]:
    """For what is asked of the storage while somebody waits. Raises Unavailable when that fails."""
    try:
        yield
    except OSError as error:
        log.error("storage_failed", key=key, error=str(error))
        raise Unavailable("the files cannot be reached") from error


def upload_name(upload: Upload) -> str:
    """The last part of an upload's url."""
    return f"{upload.public_id}.{EXTENSIONS[upload.media_type]}"


def upload_file(upload: Upload) -> OwnFile:
    """The file of an upload's row."""
    facts = {"key": upload.key, "media_type": upload.media_type, "bytes": upload.bytes, "sha256": upload.sha256}
    size = {"width": upload.width, "height": upload.height}
    return _file({"name": upload_name(upload), **facts, **size}, upload_id=upload.id)


def _meant(text: str) -> str | None:
    """The name of a file that a file_id or a url of this service has; None for any other text."""
    try:
        path = urlsplit(text).path
    except ValueError:  # such as http://[
        return None
    if path.startswith(FILES_URL):
        return path.removeprefix(FILES_URL)
    return text if UPLOAD.fullmatch(text) else None


def _file(entry: Mapping[str, Any], task_id: int | None = None, upload_id: int | None = None) -> OwnFile:
    names = ("name", "key", "media_type", "sha256", "width", "height")
    facts: dict[str, Any] = {name: entry[name] for name in names}
    return OwnFile(size=entry["bytes"], task_id=task_id, upload_id=upload_id, **facts)
