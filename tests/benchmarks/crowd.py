"""Who polls, what they have, and the workers that get on with it: rows as after a busy morning, and a fleet of fakes.

The workers claim, tell their steps and complete as real ones do; only that they make no pictures.
"""

import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine, insert

from backend import auth, create_app
from backend.wiring import services
from shared import clock, db, migrations, rates
from shared.claims import Claim, Claims
from shared.generation import Kind
from shared.lifecycle import ENDED, Status
from shared.models import Share, Task
from shared.progress import Progress, ProgressBoard, redis_client
from shared.queue_order import Priority, beginning
from shared.settings import Settings
from shared.shares import HAIR
from shared.workers import State, Told
from tests.orders import PARAMETERS, add_user, result_entry
from tests.queues import SEARCHED, add_rate
from worker.registry import Registry

USERS = 50
HAS = (Status.COMPLETED,) * 7 + (Status.FAILED,) * 2 + (Status.CANCELLED,) + (Status.QUEUED,) * 10
WORKERS = 2
BATCH = 4
STEPS = 20
STEP_SECONDS = 1.0  # a batch of large pictures on a card of the middle class
BEAT_STEPS = 3
CALL_SECONDS = STEPS * STEP_SECONDS
COST = CALL_SECONDS / BATCH  # seconds of the device for one task

MODEL = "darkroom-demo"
CHOSEN = replace(PARAMETERS, model=MODEL, width=128, height=128, steps=STEPS)
UNITS = rates.units(Kind.TEXT_TO_IMAGE, CHOSEN)
PROMPT = "a red lighthouse at dawn, oil painting, highly detailed, soft light, number"
BATCH_OF_ROWS = 2000


@dataclass(frozen=True)
class Poller:
    """One open page of a user: its token, and the ids of the tasks that it shows."""

    token: str
    tasks: tuple[str, ...]


def crowd(settings: Settings, engine: Engine, pollers: int) -> tuple[list[str], list[Poller]]:
    """The users' tokens, and so many pollers, each of another user in turn, with tasks of their own."""
    migrations.upgrade(engine)
    people = _people(settings, engine, min(USERS, pollers))
    ids = [[f"task_{number:010x}{place:010x}" for place in range(len(HAS))] for number in range(pollers)]
    owners = [list(people)[number % len(people)] for number in range(pollers)]
    rows = [row for number in range(pollers) for row in _page(owners[number], number // len(people), ids[number])]
    waiting = HAS.count(Status.QUEUED) * pollers // len(people)
    ends = [_share(user, waiting) for user in people]
    add_rate(engine, MODEL, COST / UNITS)
    with db.write(engine) as connection:
        connection.execute(insert(Share), ends)
    for first in range(0, len(rows), BATCH_OF_ROWS):
        with db.write(engine) as connection:
            connection.execute(insert(Task), rows[first : first + BATCH_OF_ROWS])
    return list(people.values()), [Poller(people[owner], tuple(own)) for owner, own in zip(owners, ids, strict=True)]


@contextmanager
def fleet(settings: Settings, engine: Engine) -> Iterator[None]:
    """Workers that are at it meanwhile; they begin one after the other."""
    stop = threading.Event()
    board = ProgressBoard(redis_client(settings.redis_url))
    threads = [threading.Thread(target=_work, args=(engine, board, number, stop)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _people(settings: Settings, engine: Engine, count: int) -> dict[int, str]:
    """Tokens by user id."""
    app = create_app(settings)
    with app.app_context():
        first = services().accounts.register("bencher", "bencher@example.com", "User@1234")
        ids = [first.id, *(add_user(engine) for _ in range(count - 1))]
        return {user: auth.issue(replace(first, id=user)).text for user in ids}


def _page(user: int, page: int, ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of one poller's tasks. Those that wait stand between the user's other ones, as fair share puts them."""
    for place, (public_id, status) in enumerate(zip(ids, HAS, strict=True)):
        results = [_result(public_id)] if status is Status.COMPLETED else None
        ended = clock.now() if status in ENDED else None
        yield {
            "public_id": public_id,
            "user_id": user,
            "kind": Kind.TEXT_TO_IMAGE,
            "status": status,
            "queue": "gpu",
            "prompt": f"{PROMPT} {place}",
            "parameters": CHOSEN.as_dict(),
            "batch_key": CHOSEN.batch_key(Kind.TEXT_TO_IMAGE),
            "units": UNITS,
            "cost": COST,
            "virtual_start": _start(user, page * HAS.count(Status.QUEUED) + place - HAS.index(Status.QUEUED)),
            "error_code": "out_of_memory" if status is Status.FAILED else None,
            "images": None,
            "results": results,
            "has_result": bool(results),
            "created_at": clock.now(),
            "started_at": ended,
            "finished_at": ended,
            **{name: getattr(CHOSEN, name) for name in SEARCHED},
        }


def _start(user: int, number: int) -> float:
    """Where fair share puts the user's so-many-th task of those that wait."""
    return beginning(Priority.NORMAL) + max(0, number) * COST + user * HAIR


def _share(user: int, waiting: int) -> dict[str, Any]:
    return {
        "user_id": user,
        "queue": "gpu",
        "priority": int(Priority.NORMAL),
        "virtual_finish": _start(user, waiting),
    }


def _result(public_id: str) -> dict[str, Any]:
    thumbnail = result_entry(f"{public_id}_thumb.webp", media_type="image/webp")
    return result_entry(f"{public_id}.png", thumbnail=thumbnail)


def _work(engine: Engine, board: ProgressBoard, number: int, stop: threading.Event) -> None:
    name = uuid.uuid4().hex
    claims, registry = Claims(engine, name, 3600, 3), Registry(engine, name, f"bench{number}")
    registry.beat(Told(State.BUSY, (MODEL,)))  # all are there from the start: one more would halve every estimate
    stop.wait(number * CALL_SECONDS / WORKERS)
    while not stop.is_set():
        claimed = claims.claim("gpu", lambda shape: BATCH, (MODEL,))
        for step in range(1, STEPS + 1):
            _tell(board, claimed, step)
            if step % BEAT_STEPS == 0:
                registry.beat(Told(State.BUSY, (MODEL,)))
            if stop.wait(STEP_SECONDS):
                return
        for claim in claimed:
            claims.complete(claim, [_result(claim.public_id)])
            board.announce(claim.public_id)
        claims.measured(claimed, CALL_SECONDS)


def _tell(board: ProgressBoard, claimed: Sequence[Claim], step: int) -> None:
    for claim in claimed:
        board.write(claim.public_id, Progress(claim.fence, step, STEPS))
