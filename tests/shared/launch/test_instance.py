"""Who may use a data folder."""

import os
import stat
from pathlib import Path

import pytest

from shared.launch.console import Refused
from shared.launch.instance import Lock, claim_web, make_run_folder


def test_a_second_start_on_one_data_folder_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    run = make_run_folder(tmp_path)
    first = claim_web(run)

    with pytest.raises(Refused, match=rf"pid {os.getpid()}\) uses {tmp_path}: .*DATA_DIR=") as refusal:
        claim_web(run)

    assert refusal.value.status == 1
    first.release()


def test_a_released_lock_goes_to_the_next(tmp_path: Path) -> None:
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    first.acquire()
    first.release()

    assert second.acquire()
    second.release()


def test_a_holder_may_ask_again(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    lock.acquire()

    assert lock.acquire()
    lock.release()


def test_the_folder_of_sockets_is_private(tmp_path: Path) -> None:
    run = make_run_folder(tmp_path / "data")

    assert stat.S_IMODE(run.stat().st_mode) == 0o700


def test_a_data_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Refused, match=r"^DATA_DIR: cannot write to .*file/data") as refusal:
        make_run_folder(tmp_path / "file" / "data")

    assert refusal.value.status == 2
