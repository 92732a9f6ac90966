"""The database and the files on one disk, as they are by default, and that one is full."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shared import db, migrations
from shared.claims import Claims
from shared.lifecycle import Status
from shared.reserve import BYTES, Reserve
from shared.storage import LocalStorage
from tests.chaos.disk import SmallDisk
from tests.fakes.board import FakeBoard
from tests.orders import add_task, add_user, row
from worker.finisher import Finisher
from worker.leases import Leases
from worker.media import Picture


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    disk = SmallDisk(tmp_path / "disk", 12)
    if not disk.is_mounted:
        pytest.skip("only root may mount a small disk")
    yield disk
    disk.unmount()


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "disk" / "files", Reserve(tmp_path / "disk" / "reserve"))


def test_the_task_says_that_the_disk_is_full(disk: SmallDisk, storage: LocalStorage, tmp_path: Path) -> None:
    engine = db.connect(f"sqlite:///{tmp_path / 'disk' / 'test.db'}")
    migrations.upgrade(engine)
    task = add_task(engine, add_user(engine))
    claims = Claims(engine, "worker", 15, 3)
    leases = Leases(claims, 15)
    taken = claims.claim("gpu", lambda shape: 1)
    leases.hold(taken, time.monotonic())
    storage.probe()
    disk.fill()
    finisher = Finisher(claims, leases, storage, FakeBoard().announce)

    noise = np.random.default_rng(1).integers(0, 255, (512, 512, 3), dtype=np.uint8)
    finisher.finish(taken, [[Picture(noise, 1)]])
    finisher.drain()

    assert (row(engine, task).status, row(engine, task).error_code) == (Status.FAILED, "storage_failed")
    engine.dispose()


def test_the_reserve_is_made_again_when_there_is_room(disk: SmallDisk, storage: LocalStorage, tmp_path: Path) -> None:
    storage.probe()
    disk.fill()
    with pytest.raises(OSError, match="No space"):
        storage.save("results/aa/large.png", bytes(BYTES))
    given_up = (tmp_path / "disk" / "reserve").exists()

    disk.free()
    storage.probe()

    assert (given_up, (tmp_path / "disk" / "reserve").stat().st_size) == (False, BYTES)
