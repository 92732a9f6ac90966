"""What a take-out holds: pictures and videos under names that people can read, and the rows in manifest.json.

The manifest is written beside the files and sent last, so that it says of each what is really in the zip.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select

from backend.reads import Reads
from backend.services.files import upload_name
from backend.services.manifest import Manifest
from backend.services.packer import Packer
from backend.services.profiles import Profile
from backend.services.provider_keys import KnownKey
from backend.services.quotas import UserUsage
from shared.clock import now
from shared.kept import AVATARS_URL, avatar_key
from shared.models import Favorite, Task, TrashedFavorite, TrashItem, Upload
from shared.storage import Storage
from shared.trash import there

FORMAT, VERSION = "darkroom-takeout", 1
PAGE = 100
SLUG_CHARACTERS = 40  # of a prompt, in the name of what was made of it
OF_TASK = (
    *("kind", "status", "model", "prompt", "parameters", "priority", "attempt", "error_code", "cancel_requested"),
    *("favorite", "created_at", "started_at", "finished_at", "updated_at", "deleted_at"),
)
OF_RESULT = ("name", "media_type", "width", "height", "seed")
NODE = ("id", "parent_id", "name", "node_type", "refer_url", "created_at")


class Contents:
    """One user's. Thumbnails are left out: they can be made of the results."""

    def __init__(
        self,
        reads: Reads,
        storage: Storage,
        trash_days: float,
        profile: Profile,
        usage: UserUsage,
        keys: Sequence[KnownKey],
    ) -> None:
        self._reads = reads
        self._trash_days = trash_days
        self._profile = profile
        self._user_id = profile.id
        self._packer = Packer(storage)
        about = {"format": FORMAT, "version": VERSION, "created_at": now(), "account": asdict(profile)}
        used = {**asdict(usage), "used_bytes": usage.used_bytes}
        self._manifest = Manifest({**about, "usage": used, "provider_keys": [_masked(key) for key in keys]})

    def pieces(self) -> Generator[bytes, None, None]:
        """The zip. Raises DBAPIError, and OSError where the manifest cannot be kept until it is sent."""
        yield from self._avatar()
        yield from self._uploads()
        yield from self._tasks()
        self._favorites()
        self._trash()
        ending = {"files": self._packer.files, "errors": self._packer.errors}
        yield from self._packer.end(self._manifest.pieces(ending))

    def close(self) -> None:
        """Whether or not all of it was read."""
        self._manifest.close()

    def _avatar(self) -> Iterator[bytes]:
        url = self._profile.avatar_url or ""
        with self._manifest.list("avatar") as add:
            if url.startswith(AVATARS_URL):
                name = url.removeprefix(AVATARS_URL)
                path = f"avatar.{name.rpartition('.')[2]}"
                add((yield from self._packer.pack(path, avatar_key(name), self._profile.created_at)))

    def _uploads(self) -> Iterator[bytes]:
        with self._manifest.list("uploads") as add:
            for upload in self._pages(select(Upload.__table__).where(Upload.user_id == self._user_id), Upload.id):
                path = f"uploads/{_day(upload.created_at)}_{upload_name(upload)}"
                known = (upload.key, upload.created_at, upload.bytes, upload.sha256)
                file = yield from self._packer.pack(path, *known)
                facts = ("media_type", "width", "height", "created_at", "used_at")
                add({"file_id": upload.public_id, **{name: getattr(upload, name) for name in facts}, "file": file})

    def _tasks(self) -> Iterator[bytes]:
        columns = (Task.id, Task.public_id, Task.images, Task.results, *(getattr(Task, name) for name in OF_TASK))
        mine = (Task.user_id == self._user_id, ~_given_up(self._trash_days))
        with self._manifest.list("tasks") as add:
            for row in self._pages(select(*columns).where(*mine), Task.id):
                results = yield from self._results(row)
                images = [image["id"] for image in row.images or ()]
                facts = {name: getattr(row, name) for name in OF_TASK}
                add({"task_id": row.public_id, **facts, "images": images, "results": results})

    def _results(self, row: Any) -> Generator[bytes, None, list[dict[str, Any]]]:
        folder = "trash" if row.deleted_at else "results"
        told = []
        for entry in row.results or ():
            path = "_".join(filter(None, [f"{folder}/{_day(row.created_at)}", _slug(row.prompt), entry["name"]]))
            known = (entry["key"], row.finished_at or row.created_at, entry["bytes"], entry["sha256"])
            file = yield from self._packer.pack(path, *known)
            told.append({**{name: entry.get(name) for name in OF_RESULT}, "file": file})
        return told

    def _favorites(self) -> None:
        """All nodes of the tree; a parent of null is the root's."""
        columns = tuple(getattr(Favorite, name) for name in NODE)
        with self._manifest.list("favorites") as add:
            for row in self._pages(select(*columns).where(Favorite.user_id == self._user_id), Favorite.id):
                add(dict(row._mapping))

    def _trash(self) -> None:
        """Deletions; the records among them are `tasks` too. The nodes that went with one name their parents."""
        facts: tuple[Any, ...] = (TrashItem.id, TrashItem.name, TrashItem.deleted_at, Task.public_id.label("task_id"))
        mine = (TrashItem.user_id == self._user_id, there(self._trash_days))
        items = select(*facts).outerjoin(Task, Task.id == TrashItem.task_id).where(*mine)
        with self._manifest.list("trash") as add:
            for row in self._pages(items, TrashItem.id):
                add(dict(row._mapping))
        columns: tuple[Any, ...] = (TrashedFavorite.item_id, *(getattr(TrashedFavorite, name) for name in NODE))
        nodes = select(*columns).join(TrashItem, TrashItem.id == TrashedFavorite.item_id).where(*mine)
        with self._manifest.list("trashed_favorites") as add:
            for row in self._pages(nodes, TrashedFavorite.id):
                add(dict(row._mapping))

    def _pages(self, chosen: Select[Any], key: Any) -> Iterator[Any]:
        """The rows, by their key; the connection is given back after each page."""
        last = 0
        while rows := self._reads.all(chosen.where(key > last).order_by(key).limit(PAGE)):
            yield from rows
            last = rows[-1].id


def _given_up(days: float) -> Any:
    """Whether a record has left the trash already, and only waits to be removed."""
    return exists().where(TrashItem.task_id == Task.id, ~there(days))


def _masked(key: KnownKey) -> dict[str, Any]:
    """Never the key itself."""
    shown = {name: value for name, value in asdict(key).items() if name != "key_last_four"}
    return {**shown, "key": f"…{key.key_last_four}"}


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _slug(prompt: str) -> str:
    """Its letters and digits, in any script."""
    return re.sub(r"[\W_]+", "-", prompt[: 2 * SLUG_CHARACTERS])[:SLUG_CHARACTERS].strip("-")
