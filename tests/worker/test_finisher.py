"""From pictures to files and a completed row."""

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from shared.claims import Claim, Claims
from shared.kept import entries
from shared.lifecycle import Status
from shared.storage import LocalStorage, Storage
from tests.fakes.board import FakeBoard
from tests.fakes.generator import picture_of
from tests.orders import add_task, add_user, row
from worker import clip, media
from worker import finisher as finisher_module
from worker.clip import Clip, encode_mp4
from worker.finisher import Finisher
from worker.leases import Leases
from worker.media import Picture, encode_png, read_image


class FullDisk(LocalStorage):
    """Has room for one file."""

    saved = 0

    def save(self, key: str, data: bytes) -> None:
        self.saved += 1
        if self.saved > 1:
            raise OSError(28, "No space left on device")
        super().save(key, data)


class ShyClaims(Claims):
    """The database is away for the first call."""

    calls = 0

    def complete(self, claim: Claim, results: object) -> bool:
        self.calls += 1
        if self.calls == 1:
            raise OperationalError("UPDATE", {}, Exception("gone away"))
        return super().complete(claim, results)  # type: ignore[arg-type]


class TornClaims(Claims):
    """The database goes away while it commits, for so many calls."""

    torn = 1

    def complete(self, claim: Claim, results: object) -> bool:
        completed = super().complete(claim, results)  # type: ignore[arg-type]
        self.torn -= 1
        if self.torn >= 0:
            raise OperationalError("COMMIT", {}, Exception("gone away"))
        return completed


class CrashedClaims(Claims):
    """Something other than the database breaks, after it has committed."""

    def complete(self, claim: Claim, results: object) -> bool:
        super().complete(claim, results)  # type: ignore[arg-type]
        raise MemoryError


@pytest.fixture
def task(engine: Engine) -> str:
    return add_task(engine, add_user(engine), num_images=2)


@pytest.fixture
def claim(claims: Claims, leases: Leases, task: str) -> Claim:
    taken = claims.claim("gpu", lambda model: 1)
    leases.hold(taken, time.monotonic())
    return taken[0]


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_every_picture_becomes_a_file_that_the_row_describes(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, claim: Claim, task: str
) -> None:
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim, 0), picture_of(claim, 1)]])
    finisher.drain()

    found = row(engine, task)
    assert found.status == Status.COMPLETED
    assert [result["name"] for result in found.results or []] == [f"{task}.png", f"{task}_2.png"]
    for result in found.results or []:
        with storage.open(result["key"]) as file:
            data = file.read()
        assert (result["bytes"], result["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_every_picture_can_become_an_object_of_a_bucket(
    engine: Engine, claims: Claims, leases: Leases, bucket: Storage, claim: Claim, task: str
) -> None:
    finisher = Finisher(claims, leases, bucket, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim, 0), picture_of(claim, 1)]])
    finisher.drain()

    results = list(entries(row(engine, task).results))
    assert len(results) == 4
    assert {file.key: file.size for folder in bucket.folders() for file in bucket.files(folder)} == {
        result["key"]: result["bytes"] for result in results
    }
    assert read_image(bucket, results[0]["key"]).size == (results[0]["width"], results[0]["height"])


def test_every_picture_has_a_thumbnail_beside_it(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, claim: Claim, task: str
) -> None:
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim, 0), picture_of(claim, 1)]])
    finisher.drain()

    thumbnails = [result["thumbnail"] for result in row(engine, task).results or []]
    assert [thumbnail["name"] for thumbnail in thumbnails] == [f"{task}_thumb.webp", f"{task}_2_thumb.webp"]
    for thumbnail in thumbnails:
        with storage.open(thumbnail["key"]) as file:
            data = file.read()
        assert (thumbnail["bytes"], thumbnail["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert (thumbnail["media_type"], thumbnail["width"], thumbnail["height"]) == ("image/webp", 64, 64)


def test_a_zombies_files_are_removed(
    engine: Engine, claims: Claims, leases: Leases, storage: LocalStorage, claim: Claim, task: str, tmp_path: Path
) -> None:
    claims.give_back([(claim.id, claim.fence)])
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim)]])
    finisher.drain()

    assert row(engine, task).status == Status.QUEUED
    assert files(tmp_path) == []


def test_a_full_disk_fails_the_task_and_leaves_nothing_half_written(
    engine: Engine, claims: Claims, leases: Leases, claim: Claim, task: str, tmp_path: Path
) -> None:
    finisher = Finisher(claims, leases, FullDisk(tmp_path / "files"), FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim, 0), picture_of(claim, 1)]])
    finisher.drain()

    assert (row(engine, task).status, row(engine, task).error_code) == (Status.FAILED, "storage_failed")
    assert files(tmp_path) == []


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["picture", "clip"])
def test_what_cannot_be_read_again_is_no_result_and_leaves_no_file(
    engine: Engine,
    claims: Claims,
    leases: Leases,
    storage: LocalStorage,
    claim: Claim,
    task: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    monkeypatch.setitem(media.ENCODERS, "png", lambda *of: encode_png(*of)[:-40])
    monkeypatch.setattr(clip, "encode_mp4", lambda *of: encode_mp4(*of)[:-40])
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    made = {"picture": Picture(frames[0], 7), "clip": Clip(frames, 8, 7)}[kind]
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[made]])
    finisher.drain()

    found = row(engine, task)
    assert (found.status, found.error_code, found.results) == (Status.FAILED, "generation_failed", None)
    assert files(tmp_path) == []


def test_a_database_that_is_away_for_a_moment_loses_nothing(
    engine: Engine, leases: Leases, storage: LocalStorage, claim: Claim, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finisher_module, "RETRY_SECONDS", 0.01)
    finisher = Finisher(ShyClaims(engine, "worker", 15, 3), leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim)]])
    finisher.drain()

    assert row(engine, task).status == Status.COMPLETED


def test_what_was_committed_while_the_connection_was_lost_is_completed_and_keeps_its_files(
    engine: Engine, storage: LocalStorage, leases: Leases, claim: Claim, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finisher_module, "RETRY_SECONDS", 0.01)
    finisher = Finisher(TornClaims(engine, "worker", 15, 3), leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim)]])
    finisher.drain()

    [result] = row(engine, task).results or []
    assert storage.size(result["key"]) == result["bytes"]


def test_when_nobody_can_say_whether_it_was_committed_the_files_stay(
    engine: Engine, claims: Claims, storage: LocalStorage, claim: Claim, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finisher_module, "RETRY_SECONDS", 0.01)
    leases = Leases(claims, lease_seconds=0.2)
    leases.hold([claim], time.monotonic())
    torn = TornClaims(engine, "worker", 15, 3)
    torn.torn = 1_000_000

    finisher = Finisher(torn, leases, storage, FakeBoard().announce)
    finisher.finish([claim], [[picture_of(claim)]])
    finisher.drain()

    [result] = row(engine, task).results or []
    assert storage.size(result["key"]) == result["bytes"]


def test_whatever_breaks_after_the_commit_the_files_stay(
    engine: Engine, storage: LocalStorage, leases: Leases, claim: Claim, task: str
) -> None:
    finisher = Finisher(CrashedClaims(engine, "worker", 15, 3), leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim)]])
    finisher.drain()

    found = row(engine, task)
    [result] = found.results or []
    assert (found.status, storage.size(result["key"])) == (Status.COMPLETED, result["bytes"])


def test_a_finished_task_is_held_no_longer(claims: Claims, leases: Leases, storage: LocalStorage, claim: Claim) -> None:
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    finisher.finish([claim], [[picture_of(claim)]])
    finisher.drain()

    assert not leases.holds(claim)
