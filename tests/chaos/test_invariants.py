"""The harness sees each kind of broken promise; what it says of a run is worth nothing otherwise."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import Engine, update

from shared import db
from shared.lifecycle import Status
from shared.models import Task
from shared.storage import LocalStorage
from tests.chaos.invariants import Inspection
from tests.chaos.journal import Journal
from tests.orders import add_task, add_user, result_entry

Change = Callable[["Finished"], object]


@dataclass
class Finished:
    """A completed task, as the harness finds it; it stands for the site too."""

    engine: Engine
    storage: LocalStorage
    folder: Path
    task: str
    key: str
    journals: dict[str, Journal]

    def set(self, **values: object) -> None:
        with db.write(self.engine) as connection:
            connection.execute(update(Task).where(Task.public_id == self.task).values(values))

    def see(self, state: str, attempt: int = 1, step: int | None = None) -> None:
        self.journals[self.task].see({"state": state, "attempt": attempt, "step": step}, 1.0)

    def violations(self, *excused: str, deaths: int = 0) -> list[str]:
        return Inspection(self, [], self.journals, set(excused), deaths).violations()  # type: ignore[arg-type]


@pytest.fixture
def finished(engine: Engine, tmp_path: Path) -> Finished:
    task = add_task(engine, add_user(engine))
    key, data = f"results/aa/{task}.1.1.png", picture()
    storage = LocalStorage(tmp_path / "files")
    storage.save(key, data)
    made = Finished(engine, storage, tmp_path / "files", task, key, {task: Journal(task, "u", 1, 64, 0)})
    entry = result_entry(f"{task}.png", key, data)
    made.set(status=Status.COMPLETED, fence=1, attempt=1, has_result=True, results=[entry])
    made.see("completed")
    return made


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return file.getvalue()


def test_a_task_that_went_well_breaks_no_promise(finished: Finished) -> None:
    assert finished.violations() == []


BROKEN: dict[str, tuple[Change, str]] = {
    "never ended": (lambda f: f.set(status=Status.PROCESSING, results=None, has_result=False), "has not ended"),
    "lost": (lambda f: f.journals.update(gone=Journal("gone", "u", 1, 64, 0)), "accepted and is lost"),
    "done twice": (lambda f: f.journals.clear(), "whose key was used"),
    "told otherwise": (lambda f: f.see("failed"), "its user was told failed"),
    "leased": (lambda f: f.set(worker_id="w"), "still leased"),
    "no file": (lambda f: f.storage.delete(f.key), "is not there or no picture"),
    "half a file": (lambda f: (f.folder / f.key).write_bytes(picture()[:50]), "is not there or no picture"),
    "another file": (lambda f: (f.folder / f.key).write_bytes(picture() + b"x"), "is not what its row says"),
    "no results": (lambda f: f.set(results=None), "has 0 results instead of 1"),
    "of a zombie": (lambda f: f.set(fence=2), "a claim that was not the last"),
    "failed": (lambda f: f.set(status=Status.FAILED, error_code="worker_lost"), "failed with worker_lost"),
    "cancelled": (lambda f: f.set(status=Status.CANCELLED), "nobody asked for that"),
    "afterlife": (lambda f: [f.see("processing", 2), f.see("completed", 2)], "had ended and then was processing"),
    "left behind": (lambda f: f.storage.save(f"results/aa/{f.task}.0.1.png", b"x"), "have no row, after 0 deaths"),
    "favourite": (lambda f: f.set(favorite=True), "says favourite=True"),
}


@pytest.mark.parametrize(("change", "said"), BROKEN.values(), ids=BROKEN)
def test_each_broken_promise_is_seen(finished: Finished, change: Change, said: str) -> None:
    change(finished)

    assert any(said in violation for violation in finished.violations())


def test_a_poll_that_went_back_is_seen_unless_the_task_was_given_back(finished: Finished) -> None:
    finished.journals[finished.task].sights.clear()
    for step in (5, 3):
        finished.see("processing", 1, step)

    backward = [violation for violation in finished.violations() if "went back" in violation]
    finished.set(fence=2)
    given_back = [violation for violation in finished.violations() if "went back" in violation]

    assert (len(backward), given_back) == (1, [])


def test_what_the_dead_left_is_excused_and_swept(finished: Finished) -> None:
    left = f"results/aa/{finished.task}.0.1.png"
    finished.storage.save(left, b"x")

    assert finished.violations(deaths=1) == []
    assert [file.key for file in finished.storage.files("results/aa")] == [finished.key]


def test_a_failure_that_was_brought_about_is_excused(finished: Finished) -> None:
    finished.storage.delete(finished.key)
    finished.set(status=Status.FAILED, error_code="storage_failed", results=None, has_result=False)
    finished.journals[finished.task].sights.clear()

    assert finished.violations("storage_failed") == []
    assert finished.violations() != []
