"""What a worker counts while it works. The counts are the process's, so tests look at how they grow."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, update

from shared import db, tallies
from shared.claims import Claim, Claims
from shared.generation import Kind
from shared.models import Task
from shared.storage import LocalStorage
from shared.tallies import BATCH, DEVICE_MEMORY, ENDED, LEASES_LOST, OUT_OF_MEMORY, QUEUE_WAIT, RETRIES, RUN, Tally
from shared.workers import State, Told
from tests.fakes.board import FakeBoard
from tests.fakes.generator import FakeGenerator
from tests.orders import add_task, add_user, claim_of
from worker.device_memory import note_memory
from worker.duty import Duty
from worker.errors import BadPicture
from worker.finisher import Finisher
from worker.heartbeat import Heartbeat
from worker.job import Jobs
from worker.ladder import Ladder, Rung
from worker.leases import Leases
from worker.pipelines.request import Request
from worker.pulse import Pulse
from worker.registry import Registry

TINY = ("tiny", "t2i")
Work = Callable[[FakeGenerator], None]


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def work(claims: Claims, leases: Leases, storage: LocalStorage, board: FakeBoard) -> Work:
    """Does all that waits."""

    def work(generator: FakeGenerator) -> None:
        finisher = Finisher(claims, leases, storage, board.announce)
        Jobs(claims, leases, generator, finisher, board, Duty()).work("gpu")  # type: ignore[arg-type]

    return work


class Growth:
    """By how much a series has grown."""

    count = 0
    sum = 0.0


@contextmanager
def grown(tally: Tally, *labels: str) -> Iterator[Growth]:
    growth = Growth()
    count, total = _series(tally, labels)
    yield growth
    after, total_after = _series(tally, labels)
    growth.count, growth.sum = after - count, total_after - total


def _series(tally: Tally, wanted: tuple[str, ...]) -> tuple[int, float]:
    found = [(sum(counts), total) for labels, counts, total in tally.tell() if tuple(labels) == wanted]
    return found[0] if found else (0, 0.0)


def refuse(claimed: Sequence[Claim]) -> None:
    if claimed[0].prompt == "bad":
        raise BadPicture("tiny", "black")


def test_a_tally_counts_by_its_bounds_and_each_bound_belongs_to_the_lower_bucket() -> None:
    tally = Tally("histogram", "x", "", "model", bounds=(1, 2))

    for value in (0.5, 1, 1.5, 9):
        tally.add("tiny", value=value)

    assert tally.tell() == [(["tiny"], [2, 1, 1], 12.0)]


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_whoever_hears_of_an_end_hears_of_its_beginning(restless: None, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = (Tally("counter", name, "") for name in ("began", "ended"))
    monkeypatch.setattr(tallies, "TALLIES", (began, ended))

    def work() -> None:
        for _ in range(20_000):
            began.add()
            ended.add()

    with ThreadPoolExecutor() as threads:
        working = threads.submit(work)
        while not working.done():
            counts = {name: series[0][2] for name, series in tallies.told().items()}
            assert counts.get("began", 0) >= counts.get("ended", 0)


def test_calls_their_tasks_and_their_times_are_counted_by_model(engine: Engine, work: Work) -> None:
    user = add_user(engine)
    for _ in range(3):
        add_task(engine, user, age=30)

    with grown(BATCH, *TINY) as batch, grown(RUN, *TINY) as run, grown(QUEUE_WAIT, *TINY) as wait:
        work(FakeGenerator())

    assert (batch.count, batch.sum, run.count) == (1, 3, 1)
    assert wait.count == 3
    assert 90 <= wait.sum < 150


def test_how_tasks_end_is_counted(engine: Engine, work: Work, board: FakeBoard) -> None:
    user = add_user(engine)
    add_task(engine, user)
    add_task(engine, user, prompt="bad")
    board.to_stop.add(add_task(engine, user))

    with (
        grown(ENDED, *TINY, "completed") as completed,
        grown(ENDED, *TINY, "bad_picture") as failed,
        grown(ENDED, *TINY, "cancelled") as cancelled,
    ):
        work(FakeGenerator(limit=1, trouble=refuse))

    assert (completed.sum, failed.sum, cancelled.sum) == (1, 1, 1)


def test_a_try_after_one_that_failed_counts_as_such_and_waits_no_more(engine: Engine, work: Work) -> None:
    add_task(engine, add_user(engine), age=30)
    with db.write(engine) as connection:
        connection.execute(update(Task).values(attempt=1, fence=1))

    with grown(RETRIES, *TINY) as retries, grown(QUEUE_WAIT, *TINY) as wait:
        work(FakeGenerator())

    assert (retries.sum, wait.count) == (1, 0)


def test_what_a_user_calls_a_providers_model_is_told_to_nobody(leases: Leases) -> None:
    with grown(ENDED, "(provider)", "t2i", "completed") as completed:
        leases.count(claim_of(model="my secret", provider="mine"), "completed")

    assert completed.sum == 1
    assert "my secret" not in str(ENDED.tell())


def test_a_lease_that_is_lost_counts_once_and_one_that_is_kept_does_not(leases: Leases) -> None:
    with grown(LEASES_LOST, "own") as lost:
        leases.hold([claim_of()], time.monotonic() - 16)
        leases.drop(claim_of())
        leases.drop(claim_of())
        leases.hold([claim_of()], time.monotonic())
        leases.drop(claim_of())

    assert lost.sum == 1


def test_what_a_beat_frees_of_others_is_counted(engine: Engine, leases: Leases) -> None:
    user = add_user(engine)
    add_task(engine, user), add_task(engine, user)
    Claims(engine, "vanished", lease_seconds=-1, max_attempts=3).claim("gpu", lambda shape: 2)
    beside = (Registry(engine, "worker", "node"), Duty(), Pulse(60, 60), lambda: Told(State.IDLE), 3)

    with grown(LEASES_LOST, "others") as lost:
        Heartbeat(leases, *beside).beat()

    assert lost.sum == 2


def test_what_is_lost_while_it_is_decoded_is_let_go_of(
    engine: Engine, claims: Claims, leases: Leases, work: Work
) -> None:
    """Else it would be renewed for ever, with nobody at work on it."""

    def lose_first(claimed: Sequence[Claim]) -> None:
        leases.hold(claimed[:1], time.monotonic() - 16)

    user = add_user(engine)
    add_task(engine, user), add_task(engine, user)

    with grown(LEASES_LOST, "own") as lost, grown(ENDED, *TINY, "completed") as completed:
        work(FakeGenerator(decoding=lose_first))

    assert (lost.sum, completed.sum, leases.none) == (1, 1, True)


def test_each_way_to_need_less_memory_is_counted() -> None:
    class Tight:
        def save_memory(self, saves: bool) -> None: ...
        def offload(self, kind: Kind) -> bool:
            return False

    def once(call: Sequence[Request], left: int) -> list[object]:
        if ladder.rung is Rung.NONE:
            raise MemoryError
        return [object()]

    ladder = Ladder("tiny", Tight(), Kind.TEXT_TO_IMAGE, lambda: None)

    with grown(OUT_OF_MEMORY, "tiny", "vae_tiling") as tiled:
        ladder.run([[claim_of()]], once)  # type: ignore[list-item, arg-type]

    assert tiled.sum == 1


def test_the_processor_has_no_memory_of_a_device() -> None:
    note_memory("cpu")

    told = {labels[0]: size for labels, _, size in DEVICE_MEMORY.tell()}
    assert (told["allocated"], told["reserved"]) == (0, 0)
