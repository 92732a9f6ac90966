"""The embedded broker: alone on its socket, back after a kill, taken over by the next start."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.launch import broker
from shared.launch.console import Refused
from shared.launch.instance import Lock
from tests.servers import until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "broker.sock"


def turn(path: Path) -> broker.Turn:
    return broker.Turn(path, Lock(path.with_name("broker.lock")))


@contextmanager
def running(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = broker.command(broker.find_binary(), path, path.with_suffix(".log"))
    with command.output.open("wb") as log, subprocess.Popen(command.arguments, stdout=log) as process:
        try:
            until(lambda: broker.answers(path), "the broker", seconds=10)
            yield process
        finally:
            process.kill()


def test_it_answers_on_its_socket(path: Path) -> None:
    with running(path):
        assert broker.answers(path)


def test_nothing_answers_where_there_is_no_socket(path: Path) -> None:
    assert not broker.answers(path)


def test_it_is_our_turn_when_nobody_runs_one(path: Path) -> None:
    assert turn(path).is_ours()


def test_one_that_answers_is_used_and_not_replaced(path: Path) -> None:
    with running(path):
        assert not turn(path).is_ours()
        assert broker.answers(path)


def test_the_socket_that_a_killed_one_left_is_removed(path: Path) -> None:
    with running(path) as process:
        process.kill()
        process.wait()
        assert path.exists()

        assert turn(path).is_ours()

    assert not path.exists()


def test_one_that_was_killed_is_back_on_the_same_socket(path: Path) -> None:
    ours = turn(path)
    with running(path) as process:
        process.kill()
        process.wait()

        assert ours.is_ours()
        with running(path):
            assert broker.answers(path)


def test_of_two_starts_one_runs_it_until_it_ends(path: Path) -> None:
    ours, theirs = Lock(path.with_name("broker.lock")), turn(path)
    ours.acquire()

    assert not theirs.is_ours()
    ours.release()
    assert theirs.is_ours()


def test_the_systems_own_is_used_where_the_bundled_one_does_not_run(tmp_path: Path) -> None:
    unable = tmp_path / "valkey-server"
    unable.write_text("not for this platform")

    assert broker.find_binary([unable, Path(sys.executable)]) == Path(sys.executable)


def test_without_any_it_says_what_to_install() -> None:
    with pytest.raises(Refused, match=r"install one .*BROKER_URL"):
        broker.find_binary([])


def test_a_socket_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")

    with pytest.raises(Refused, match="DATA_DIR"):
        broker.make_socket_folder(tmp_path / "link" / "broker.sock")
