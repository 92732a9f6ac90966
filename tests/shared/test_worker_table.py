"""`./start.sh workers`."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from shared.claims import Claims
from shared.worker_table import answer
from shared.workers import State, Told, Workers
from tests.orders import add_task, add_user
from worker.registry import Registry

ID, NODE = "0123456789abcdef" * 2, "fedcba9876543210" * 2


@pytest.fixture
def registry(engine: Engine) -> Registry:
    """A worker's; it says what it is at."""
    registry = Registry(engine, ID, NODE)
    registry.beat(Told(State.IDLE, ("tiny", "large"), ended=7, memory=1_234_567_890))
    return registry


@pytest.fixture
def workers(engine: Engine) -> Iterator[Workers]:
    with Session(engine) as session:
        yield Workers(session, lease_seconds=15)


def test_each_worker_has_a_line(
    engine: Engine, workers: Workers, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    task = add_task(engine, add_user(engine))
    Claims(engine, ID, 15, 3).claim("gpu", lambda shape: 1)

    status = answer(workers, [])

    heads, line = capsys.readouterr().out.splitlines()
    assert status == 0
    assert heads.split() == ["ID", "NODE", "HOST", "STATE", "MODELS", "TASKS", "DONE", "MEMORY", "LAST", "BEAT"]
    assert line.split()[:2] == [ID[:8], NODE[:8]]
    assert line.split()[3:] == ["busy", "tiny,", "large", task, "7", "1235", "MB", "0", "s", "ago"]


def test_without_workers_there_are_only_heads(workers: Workers, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(workers, []) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_worker_is_drained_and_resumed_by_its_short_name(workers: Workers, registry: Registry) -> None:
    statuses = [answer(workers, ["drain", ID[:8]])]
    drained = registry.beat(Told(State.IDLE))
    statuses.append(answer(workers, ["resume", NODE[:8]]))

    assert statuses == [0, 0]
    assert drained
    assert not registry.beat(Told(State.IDLE))


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["drain", "nobody"], 1, "no worker is called nobody"),
        (["drain"], 2, "use ./start.sh workers"),
        (["drain", "a", "b"], 2, "use ./start.sh workers"),
        (["stop", "a"], 2, "use ./start.sh workers"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    workers: Workers,
    registry: Registry,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    said: str,
) -> None:
    assert answer(workers, arguments) == status

    complaint = capsys.readouterr().err
    assert complaint.startswith(f"start: {said}")
    assert complaint.count("\n") == 1
