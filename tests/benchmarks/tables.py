"""Tables of tasks to measure on: one user owns half of the rows, many others the rest."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Engine, insert

from shared import db
from shared.generation import Kind
from shared.lifecycle import Status
from shared.models import Base, Task, User

OWNER = 1
OTHERS = 1000
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
SECONDS = 365 * 24 * 3600  # that the tasks are spread over
BATCH = 2000

WORDS = (
    "a",
    "red",
    "lighthouse",
    "at",
    "dawn",
    "oil",
    "painting",
    "highly",
    "detailed",
    "夜景",
    "soft",
    "light",
    "cat",
)
MODELS = ("base", "large", "turbo", "video")
SAMPLERS = ("DDIM", "Euler", "Euler a", "DPM++ 2M")
SIZES = (512, 768, 1024, 1280)
USUAL_SEED = 42
UNEVENLY = (40, 30, 20, 10)  # percent
STATUSES = {Status.COMPLETED: 40, Status.FAILED: 15, Status.CANCELLED: 15, Status.QUEUED: 15, Status.PROCESSING: 15}


def build(engine: Engine, rows: int) -> None:
    """Users and tasks in empty tables; the same ones each time. Indexes are made at the end, which is faster."""
    Base.metadata.create_all(engine)
    indexes = [index for index in Task.__table__.indexes if str(index.name).startswith("ix_tasks_by_")]
    for index in indexes:
        index.drop(engine)
    with db.write(engine) as connection:
        connection.execute(insert(User), [_user(number) for number in range(1, OTHERS + 2)])
    tasks = _tasks(rows)
    while batch := list(islice(tasks, BATCH)):
        with db.write(engine) as connection:
            connection.execute(insert(Task), batch)
    for index in indexes:
        index.create(engine)


def _user(number: int) -> dict[str, Any]:
    name = f"user{number}"
    return {"id": number, "account": name, "account_key": name, "email": f"{name}@example.com", "password_hash": "-"}


def _tasks(count: int) -> Iterator[dict[str, Any]]:
    chance = random.Random(7)  # noqa: S311 - the rows are to be the same each time
    for number in range(count):
        owner = OWNER if number % 2 else 2 + chance.randrange(OTHERS)
        created_at = FIRST + timedelta(seconds=SECONDS * (number // 3 * 3) // count)  # three at a time
        yield _task(chance, number, owner, created_at)


def _task(chance: random.Random, number: int, owner: int, created_at: datetime) -> dict[str, Any]:
    status = chance.choices(list(STATUSES), list(STATUSES.values()))[0]
    public_id = f"task_{number:020x}"
    facts = {
        "model": chance.choices(MODELS, UNEVENLY)[0],
        "sampling_method": chance.choices(SAMPLERS, UNEVENLY)[0],
        "steps": chance.choices((20, 28, 30, 50), UNEVENLY)[0],
        "seed": USUAL_SEED if chance.random() < 0.4 else chance.getrandbits(32),
        "width": chance.choices(SIZES, UNEVENLY)[0],
        "height": chance.choices(SIZES, UNEVENLY)[0],
    }
    return {
        **facts,
        "public_id": public_id,
        "user_id": owner,
        "kind": chance.choices(list(Kind), UNEVENLY)[0],
        "status": status,
        "queue": "gpu",
        "prompt": " ".join(chance.choices(WORDS, k=20)),
        "parameters": {**facts, "guidance_scale": 4.0, "negative_prompt": "blurry, low quality", "num_images": 1},
        "images": None,
        "batch_key": f"{chance.getrandbits(256):064x}",
        "results": [_result(public_id, chance)] if status is Status.COMPLETED else None,
        "has_result": status is Status.COMPLETED,
        "favorite": chance.random() < 0.4,
        "created_at": created_at,
        "updated_at": created_at,
    }


def _result(public_id: str, chance: random.Random) -> dict[str, Any]:
    def file(name: str) -> dict[str, Any]:
        facts = {"name": name, "key": f"results/{name}", "media_type": "image/png", "bytes": 400_000}
        return {**facts, "sha256": f"{chance.getrandbits(256):064x}", "width": 512, "height": 512, "seed": USUAL_SEED}

    return {**file(f"{public_id}.png"), "thumbnail": file(f"{public_id}_thumb.webp")}
