"""Tasks that a user's own provider computes: around a fake provider, with the real claims, on both databases."""

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from PIL import Image
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from shared import clock, db
from shared.claims import Claims
from shared.errors import ProviderFailed
from shared.lifecycle import Status
from shared.models import ProviderKey
from shared.storage import LocalStorage
from shared.vault import Vault
from tests.fakes.board import FakeBoard
from tests.orders import add_task, add_user, row
from worker.duty import Duty
from worker.finisher import Finisher
from worker.io_jobs import IoJobs
from worker.job import Jobs
from worker.leases import Leases
from worker.providers import ProviderGenerator

KEY = "sk-the-key-of-alice"
VAULT = Vault(["a secret of the tests"])


def picture(kind: str = "PNG", size: tuple[int, int] = (80, 60)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind)
    return file.getvalue()


@dataclass
class FakePainter:
    """Remembers what it was asked; `answer` is called for each call and may raise or wait."""

    answer: Callable[[], list[bytes]] = lambda: [picture()]
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def of(self, *access: str) -> "FakePainter":
        self.asked.append(access)
        return self

    def images(self, prompt: str, count: int, width: int, height: int) -> list[bytes]:
        self.asked.append((prompt, count, width, height))
        return self.answer()


@pytest.fixture
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def painter() -> FakePainter:
    return FakePainter()


@pytest.fixture
def duty() -> Duty:
    return Duty()


@pytest.fixture
def jobs(
    engine: Engine,
    claims: Claims,
    leases: Leases,
    storage: LocalStorage,
    board: FakeBoard,
    painter: FakePainter,
    duty: Duty,
) -> Jobs:
    generator = ProviderGenerator(engine, VAULT, painter.of)
    finisher = Finisher(claims, leases, storage, board.announce)
    return Jobs(claims, leases, generator, finisher, board, duty)  # type: ignore[arg-type]


@pytest.fixture
def task(engine: Engine) -> str:
    return order(engine)


def order(engine: Engine, count: int = 1, api_name: str = "mine") -> str:
    user = add_user(engine)
    key = ProviderKey(
        user_id=user,
        api_name=api_name,
        model_name="painter-1",
        base_url="https://provider.example/v1",
        encrypted_key=VAULT.encrypt(KEY),
        last_four=KEY[-4:],
        vault_version=VAULT.version,
        updated_at=clock.now(),
    )
    with Session(engine) as session, db.writing(session):
        session.add(key)
    asked = {"provider": api_name, "model": "painter-1", "width": 512, "height": 384, "num_images": count}
    return add_task(engine, user, "a lighthouse", queue="io", **asked)


def test_the_task_is_completed_with_the_providers_picture_as_it_came(
    engine: Engine, jobs: Jobs, painter: FakePainter, storage: LocalStorage, task: str
) -> None:
    sent = picture("JPEG")
    painter.answer = lambda: [sent]

    jobs.work("io")

    ended = row(engine, task)
    [entry] = ended.results or []
    with storage.open(entry["key"]) as file:
        assert file.read() == sent
    assert (ended.status, entry["name"], entry["media_type"]) == (Status.COMPLETED, f"{task}.jpg", "image/jpeg")
    assert (entry["width"], entry["height"], entry["seed"]) == (80, 60, None)
    assert entry["thumbnail"]["name"] == f"{task}_thumb.webp"


def test_the_provider_is_asked_with_the_users_key_for_what_the_task_says(
    jobs: Jobs, painter: FakePainter, task: str
) -> None:
    jobs.work("io")

    access = ("https://provider.example/v1", KEY, "painter-1")
    assert painter.asked == [access, ("a lighthouse", 1, 512, 384)]


def test_several_pictures_are_one_call(engine: Engine, jobs: Jobs, painter: FakePainter) -> None:
    task = order(engine, count=3)
    painter.answer = lambda: [picture("PNG"), picture("WEBP"), picture("JPEG")]

    jobs.work("io")

    names = [entry["name"] for entry in row(engine, task).results or []]
    assert names == [f"{task}.png", f"{task}_2.webp", f"{task}_3.jpg"]
    assert len(painter.asked) == 2


@pytest.mark.parametrize("reason", ["provider_timeout", "provider_unauthorised", "provider_limited"])
def test_a_provider_that_fails_fails_the_task_with_its_reason(
    engine: Engine, jobs: Jobs, painter: FakePainter, task: str, reason: str
) -> None:
    def refuse() -> list[bytes]:
        raise ProviderFailed(reason)

    painter.answer = refuse

    jobs.work("io")

    assert (row(engine, task).status, row(engine, task).error_code) == (Status.FAILED, reason)


@pytest.mark.parametrize(
    "answer",
    [[], [picture(), picture()], [b"no picture"], [b""], [picture()[:60]], [picture("GIF")], [b"<svg/>"]],
    ids=["none", "too many", "text", "empty", "cut off", "gif", "svg"],
)
def test_an_answer_that_is_no_picture_fails_the_task(
    engine: Engine, jobs: Jobs, painter: FakePainter, task: str, answer: list[bytes]
) -> None:
    painter.answer = lambda: answer

    jobs.work("io")

    assert (row(engine, task).status, row(engine, task).error_code) == (Status.FAILED, "provider_garbage")


def test_a_key_that_was_deleted_meanwhile_fails_the_task(engine: Engine, jobs: Jobs, task: str) -> None:
    with db.write(engine) as connection:
        connection.execute(delete(ProviderKey))

    jobs.work("io")

    assert row(engine, task).error_code == "provider_gone"


def test_somebody_elses_key_of_the_same_name_is_not_used(
    engine: Engine, jobs: Jobs, painter: FakePainter, task: str
) -> None:
    owner = row(engine, task).user_id
    order(engine)
    with db.write(engine) as connection:
        connection.execute(delete(ProviderKey).where(ProviderKey.user_id == owner))

    jobs.work("io")

    assert row(engine, task).error_code == "provider_gone"


def test_a_key_of_another_secret_fails_the_task(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, painter: FakePainter, task: str
) -> None:
    generator = ProviderGenerator(engine, Vault(["another secret"]), painter.of)
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    Jobs(claims, leases, generator, finisher, FakeBoard(), Duty()).work("io")  # type: ignore[arg-type]

    assert row(engine, task).error_code == "provider_key_unreadable"
    assert painter.asked == []


def test_a_task_is_cancelled_while_its_provider_works(
    engine: Engine, jobs: Jobs, painter: FakePainter, board: FakeBoard, task: str, waiting: threading.Event
) -> None:
    painter.answer = lambda: [picture()] if waiting.wait(30) else []
    board.to_stop.add(task)

    jobs.work("io")

    assert (row(engine, task).status, row(engine, task).results) == (Status.CANCELLED, None)


def test_a_task_that_is_cancelled_already_is_neither_sent_nor_paid_for(
    engine: Engine, jobs: Jobs, painter: FakePainter, board: FakeBoard, task: str
) -> None:
    board.to_stop.add(task)

    jobs.work("io")

    assert row(engine, task).status == Status.CANCELLED
    for sending in [thread for thread in threading.enumerate() if thread.name == "provider"]:
        sending.join(5)
    assert painter.asked == []


def test_a_process_that_is_to_end_gives_the_task_back(
    engine: Engine, jobs: Jobs, painter: FakePainter, duty: Duty, task: str, waiting: threading.Event
) -> None:
    def stop_meanwhile() -> list[bytes]:
        duty.stopping = True
        return [picture()] if waiting.wait(30) else []

    painter.answer = stop_meanwhile

    jobs.work("io")

    assert (row(engine, task).status, row(engine, task).attempt) == (Status.QUEUED, 0)


def test_the_threads_find_tasks_by_themselves_and_end_when_told(engine: Engine, jobs: Jobs, task: str) -> None:
    threads = IoJobs([jobs])
    done = threading.Event()
    threads.start()
    watcher = threading.Thread(target=lambda: _until_completed(engine, task, done))
    watcher.start()

    assert done.wait(20)
    threads.stop()
    threads.join(5)
    watcher.join()


def test_a_drained_process_takes_no_more_of_these_tasks_either(
    engine: Engine, jobs: Jobs, duty: Duty, task: str
) -> None:
    duty.draining = True

    jobs.work("io")

    assert row(engine, task).status == Status.QUEUED


def test_the_device_leaves_tasks_for_providers_alone(claims: Claims, task: str) -> None:
    assert claims.claim("gpu", lambda model: 4) == []


@pytest.fixture
def waiting() -> Iterator[threading.Event]:
    """A provider that waits for it ends when the test does."""
    event = threading.Event()
    yield event
    event.set()


def _until_completed(engine: Engine, task: str, done: threading.Event) -> None:
    for _ in range(200):
        if row(engine, task).status == Status.COMPLETED:
            done.set()
            return
        done.wait(0.1)
