"""What a process remembers of running tasks' progress: only while it hears of all that is newer."""

from collections.abc import Iterator, Mapping
from threading import Event

import pytest
from redis import Redis

from backend import watch as watching
from backend.services import recent as remembering
from backend.services.recent import RecentProgress
from backend.watch import Watch
from shared import db
from shared.claims import Claims
from shared.progress import Channel, Progress, ProgressBoard, redis_client
from shared.settings import Settings
from tests.backend.conftest import Person
from tests.servers import until

FENCE = 3
FIRST, SECOND = Progress(FENCE, 5, 20), Progress(FENCE, 6, 20)


@pytest.fixture
def redis(settings: Settings) -> Redis:
    return redis_client(settings.redis_url)


@pytest.fixture
def board(redis: Redis) -> ProgressBoard:
    return ProgressBoard(redis)


@pytest.fixture
def watch(settings: Settings, redis: Redis) -> Iterator[Watch]:
    watch = Watch(Channel(redis), lambda: db.connect(settings.database), 1)
    yield watch
    watch.close()
    watch.join()


@pytest.fixture
def recent(watch: Watch, board: ProgressBoard) -> RecentProgress:
    """One whose process hears the channel."""
    recent = RecentProgress(board, watch)
    watch.attend()
    until(lambda: hears(watch), "the channel is heard")
    return recent


@pytest.fixture
def knowing(recent: RecentProgress, watch: Watch, board: ProgressBoard) -> RecentProgress:
    """One that remembers the FIRST progress; it was read after it had been heard of, which ends what was read."""
    forget, heard = watch.told, Event()

    def told(task: str) -> None:
        forget(task)
        heard.set()

    watch.told = told
    board.write("task", FIRST)
    assert heard.wait(10)
    assert read(recent) == FIRST
    return recent


def hears(watch: Watch) -> bool:
    return watch.heard_since < float("inf")


def read(recent: RecentProgress, task: str = "task") -> Progress | None:
    return recent.read_all({task: FENCE}).get(task)


def test_what_was_read_is_remembered(knowing: RecentProgress) -> None:
    assert knowing.recall("task", FENCE) == FIRST
    assert knowing.recall("another", FENCE) is None


def test_what_is_said_to_be_news_is_read_again(knowing: RecentProgress, board: ProgressBoard) -> None:
    board.write("task", SECOND)

    until(lambda: knowing.recall("task", FENCE) is None, "it is forgotten")
    assert read(knowing) == SECOND


def test_another_claim_has_a_progress_of_its_own(knowing: RecentProgress) -> None:
    assert knowing.recall("task", FENCE + 1) is None


def test_what_is_not_there_is_not_remembered(recent: RecentProgress) -> None:
    assert read(recent, "unknown") is None
    assert recent.recall("unknown", FENCE) is None


def test_memory_is_short_in_case_that_the_channel_lost_something(
    knowing: RecentProgress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "RECENT_SECONDS", 0)

    assert knowing.recall("task", FENCE) is None


def test_nothing_is_remembered_from_before_the_channel_was_heard(
    watch: Watch, board: ProgressBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    recent = RecentProgress(board, watch)
    board.write("task", FIRST)

    with monkeypatch.context() as deaf:
        deaf.setattr(watch, "attend", lambda: None)
        assert read(recent) == FIRST
    watch.attend()
    until(lambda: hears(watch), "the channel is heard")
    assert recent.recall("task", FENCE) is None


def test_what_is_said_while_it_is_read_is_not_missed(watch: Watch, redis: Redis) -> None:
    class Overtaken(ProgressBoard):
        def read_all(self, fences: Mapping[str, int]) -> dict[str, Progress]:
            found = super().read_all(fences)
            watch.told("task")
            return found

    board = Overtaken(redis)
    recent = RecentProgress(board, watch)
    board.write("task", FIRST)
    watch.attend()
    until(lambda: hears(watch), "the channel is heard")

    assert read(recent) == FIRST
    assert recent.recall("task", FENCE) is None


def test_it_remembers_no_more_than_it_has_room_for(knowing: RecentProgress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "KEPT", 1)

    read(knowing, "another")

    assert knowing.recall("task", FENCE) is None


def test_the_channel_is_left_when_nobody_has_asked_for_a_while(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "ATTENTION_SECONDS", 0.1)
    monkeypatch.setattr(watching, "LOOK_SECONDS", 0.1)
    watch.attend()
    until(lambda: hears(watch), "the channel is heard")
    until(lambda: not hears(watch), "it is left")

    watch.attend()

    until(lambda: hears(watch), "it is heard again")


def test_who_knows_an_older_step_is_told_the_newest_one(alice: Person, worker: Claims, board: ProgressBoard) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    path = f"/api/v1/generation/{task}"
    [claim] = worker.claim("gpu", lambda model: 1)
    board.write(task, Progress(claim.fence, 1, 20))
    first = alice.call("GET", path).headers["ETag"]
    board.write(task, Progress(claim.fence, 2, 20))
    second = alice.call("GET", path)

    again = [alice.call("GET", path, headers={"If-None-Match": tag}) for tag in (first, second.headers["ETag"])]

    assert [answer.status_code for answer in again] == [200, 304]
    assert again[0].get_json()["data"]["step"] == 2


def test_a_poll_of_what_is_known_does_not_ask_redis(
    alice: Person, worker: Claims, board: ProgressBoard, redis: Redis
) -> None:
    task = alice.submit().get_json()["data"]["task_id"]
    path = f"/api/v1/generation/{task}"
    [claim] = worker.claim("gpu", lambda model: 1)
    board.write(task, Progress(claim.fence, 1, 20))
    tag = alice.call("GET", path).headers["ETag"]

    def questions() -> int:
        found: int = redis.info("commandstats").get("cmdstat_hmget", {}).get("calls", 0)
        return found

    def unasked() -> bool:
        before = questions()
        assert alice.call("GET", path, headers={"If-None-Match": tag}).status_code == 304
        return questions() == before

    until(unasked, "a poll that needs no answer of Redis")
