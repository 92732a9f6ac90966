"""Ready-made rows for tests that start in the middle."""

import hashlib
import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared import clock, db
from shared.claims import Claim
from shared.generation import Kind, Parameters
from shared.lifecycle import Status
from shared.models import Task, User

PARAMETERS = Parameters(
    model="tiny",
    width=64,
    height=64,
    steps=2,
    seed=7,
    guidance_scale=4.0,
    negative_prompt="",
    sampling_method="DDIM",
    num_images=1,
)
_numbers = itertools.count()


def add_user(engine: Engine) -> int:
    """A user nobody can log in as; returns the id."""
    number = next(_numbers)
    user = User(account=f"u{number}", account_key=f"u{number}", email=f"u{number}@example.com", password_hash="-")
    with Session(engine) as session, db.writing(session):
        session.add(user)
        session.flush()
        return user.id


def add_task(
    engine: Engine, user_id: int, prompt: str = "a red circle", age: float = 0, queue: str = "gpu", **parameters: Any
) -> str:
    """A task that was queued `age` seconds ago; returns its public id."""
    chosen = replace(PARAMETERS, **parameters)
    task = Task(
        public_id=f"task_{next(_numbers):020x}",
        user_id=user_id,
        kind=Kind.TEXT_TO_IMAGE,
        status=Status.QUEUED,
        queue=queue,
        model=chosen.model,
        prompt=prompt,
        parameters=chosen.as_dict(),
        sampling_method=chosen.sampling_method,
        steps=chosen.steps,
        seed=chosen.seed,
        width=chosen.width,
        height=chosen.height,
        batch_key=chosen.batch_key(Kind.TEXT_TO_IMAGE),
        created_at=clock.now() - timedelta(seconds=age),
    )
    with Session(engine) as session, db.writing(session):
        session.add(task)
        session.flush()
        return task.public_id


def row(engine: Engine, public_id: str) -> Task:
    """The task as it is in the database now."""
    with Session(engine, expire_on_commit=False) as session:
        return session.query(Task).filter_by(public_id=public_id).one()


def claim_of(prompt: str = "a red circle", **parameters: Any) -> Claim:
    """A claim of no row, for what works on claims alone."""
    return Claim(1, 1, 1, "task_1", Kind.TEXT_TO_IMAGE, prompt, replace(PARAMETERS, **parameters))


def result_entry(name: str, key: str = "results/aa/x.png", data: bytes = b"", **others: Any) -> dict[str, Any]:
    """What a worker writes about a file into its task's row."""
    return {
        "name": name,
        "key": key,
        "media_type": "image/png",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": 64,
        "height": 64,
        "seed": 7,
        **others,
    }
