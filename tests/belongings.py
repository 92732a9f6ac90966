"""Somebody who has something in every table and every folder."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from shared import clock, db
from shared.kept import AVATARS_URL, avatar_key, results_folder
from shared.lifecycle import Status
from shared.models import (
    AuditEntry,
    Base,
    Favorite,
    ProviderKey,
    Share,
    Task,
    TrashedFavorite,
    TrashItem,
    Upload,
    User,
)
from shared.storage import Storage
from tests.orders import add_task, result_entry

PICTURE, SMALL, REFERENCE, AVATAR = b"\x89PNG a picture", b"RIFF small", b"\x89PNG a reference", b"\x89PNG a face"
API_KEY = "sk-very-secret"


@dataclass(frozen=True)
class Belongings:
    """The ids of a user's tasks, and the keys of all their files; `left` is one that no row knows."""

    done: str
    binned: str
    cancelled: str
    upload: str
    files: tuple[str, ...]
    left: str


def fill(engine: Engine, storage: Storage, user_id: int) -> Belongings:
    """Give them a result, one in the trash, a cancelled try, an upload, favourites, a key, and so on."""
    upload = _upload(engine, storage, user_id)
    done, binned, cancelled = (add_task(engine, user_id, prompt) for prompt in ("a red circle", "图 two/three", "no"))
    files = [*_complete(engine, storage, done), *_complete(engine, storage, binned)]
    left = f"{results_folder(cancelled)}/{cancelled}.1.1.png"
    storage.save(left, PICTURE)
    image = [{"id": upload.public_id, "key": upload.key}]
    ids = [
        _change(engine, done, images=image, favorite=True, idempotency_key="once"),
        _change(engine, binned, deleted_at=clock.now()),
        _change(engine, cancelled, status=Status.CANCELLED, fence=1),
    ]
    _add_rows(engine, user_id, ids, done)
    name = f"{user_id:032x}.png"
    storage.save(avatar_key(name), AVATAR)
    with db.write(engine) as connection:
        shown = {"avatar_url": AVATARS_URL + name, "avatar_bytes": len(AVATAR)}
        connection.execute(update(User).where(User.id == user_id).values(shown))
    return Belongings(done, binned, cancelled, upload.public_id, (*files, upload.key, avatar_key(name)), left)


def _upload(engine: Engine, storage: Storage, user_id: int) -> Upload:
    name = f"ref_{user_id:020x}"
    facts = {"media_type": "image/png", "sha256": "-", "width": 1, "height": 1, "used_at": clock.now()}
    upload = Upload(public_id=name, user_id=user_id, key=f"uploads/aa/{name}.png", bytes=len(REFERENCE), **facts)
    upload.sha256 = result_entry("x", data=REFERENCE)["sha256"]
    storage.save(upload.key, REFERENCE)
    _add(engine, upload)
    return upload


def _complete(engine: Engine, storage: Storage, task: str) -> list[str]:
    """As a worker would; returns the keys."""
    keys = [f"{results_folder(task)}/{task}.1.1.{ending}" for ending in ("png", "thumb.webp")]
    for key, data in zip(keys, (PICTURE, SMALL), strict=True):
        storage.save(key, data)
    thumbnail = result_entry(f"{task}_thumb.webp", keys[1], SMALL, media_type="image/webp")
    results = [result_entry(f"{task}.png", keys[0], PICTURE, thumbnail=thumbnail)]
    _change(engine, task, status=Status.COMPLETED, fence=1, has_result=True, results=results, finished_at=clock.now())
    return keys


def _change(engine: Engine, task: str, **values: Any) -> int:
    with Session(engine) as session, db.writing(session):
        found = session.query(Task).filter_by(public_id=task).one()
        for name, value in values.items():
            setattr(found, name, value)
        return found.id


def _add_rows(engine: Engine, user_id: int, ids: list[int], done: str) -> None:
    root, folder = (_node(user_id, name, "folder") for name in ("/", "circles"))
    root.root_of = user_id
    _add(engine, root)
    folder.parent_id = root.id
    _add(engine, folder)
    file = _node(user_id, "red.png", "file")
    file.parent_id, file.task_id, file.refer_url = folder.id, ids[0], f"/generated_outputs/{done}.png"
    item = TrashItem(user_id=user_id, task_id=ids[1], deleted_at=clock.now())
    key = {"api_name": "mine", "model_name": "m", "base_url": "https://example.com", "last_four": "cret"}
    secret = {"encrypted_key": f"locked {API_KEY}", "vault_version": "1", "updated_at": clock.now()}
    _add(
        engine,
        file,
        item,
        ProviderKey(user_id=user_id, **key, **secret),
        Share(user_id=user_id, queue="gpu", priority=1, virtual_finish=1.0),
        AuditEntry(admin_id=user_id, admin="them", action="worker.drain", subject="w", details={}),
    )
    gone = {"name": "gone", "node_type": "folder", "created_at": clock.now()}
    _add(engine, TrashedFavorite(id=10_000 + item.id, item_id=item.id, parent_id=root.id, **gone))


def _node(user_id: int, name: str, node_type: str) -> Favorite:
    return Favorite(user_id=user_id, name=name, node_type=node_type)


def _add(engine: Engine, *rows: Base) -> None:
    with Session(engine, expire_on_commit=False) as session, db.writing(session):
        session.add_all(rows)
