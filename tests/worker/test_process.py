"""The process that holds the device, as a whole: what it tells of itself, and what it leaves behind."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.settings import Settings
from shared.workers import State
from tests.servers import until
from tests.worker.conftest import MODELS
from tests.worker.test_heartbeat import workers
from worker.process import STOP_SIGNAL, Process

NODE = "n" * 32


@pytest.fixture
def process(settings: Settings, tmp_path: Path) -> Iterator[Process]:
    """Its only model's folder is empty."""
    broken = "[[models]]" + MODELS.split("[[models]]")[2]
    (tmp_path / "models.toml").write_text(broken)
    (tmp_path / "nowhere").mkdir()
    hurried = {"models_file": tmp_path / "models.toml", "heartbeat_seconds": 0.1, "device": "cpu", "io_threads": 1}
    before = signal.getsignal(STOP_SIGNAL)
    process = Process(settings.model_copy(update=hurried), NODE)
    yield process
    process.stop()
    signal.set_wakeup_fd(-1)
    signal.signal(STOP_SIGNAL, before)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_a_worker_that_loads_a_tasks_model_says_so(engine: Engine, process: Process) -> None:
    process.start()
    until(lambda: list(workers(engine).values()) == [State.IMPAIRED], "the worker to be at rest", 10)
    assert process._engine

    process._engine.loading = True

    until(lambda: list(workers(engine).values()) == [State.LOADING], "the worker to say what it does", 10)


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_a_worker_whose_first_model_cannot_be_loaded_says_so(engine: Engine, process: Process) -> None:
    process.start()

    until(lambda: list(workers(engine).values()) == [State.IMPAIRED], "the worker to say what it lacks", 10)
