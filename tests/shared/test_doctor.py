"""What the doctor says, of services that are well and of each thing that can be wrong with one, on both stacks."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, update

from shared import clock, db
from shared.doctor import __main__ as doctor
from shared.doctor import files
from shared.doctor.__main__ import examine
from shared.doctor.finding import Finding, listed
from shared.kept import KeptFiles
from shared.lifecycle import Status
from shared.models import Task, User, Worker
from shared.settings import Settings
from shared.storage import LocalStorage
from shared.workers import State
from tests.orders import add_task, add_user, result_entry

PNG = b"a picture"


@pytest.fixture
def user_id(engine: Engine) -> int:
    """Whose account is a hundred hours old."""
    made = add_user(engine)
    change(engine, User, created_at=clock.now() - timedelta(hours=100))
    return made


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def key(engine: Engine, settings: Settings, storage: LocalStorage, user_id: int) -> str:
    """The file of a completed task."""
    add_task(engine, user_id)
    key = "results/aa/task_1.1.1.png"
    results = [result_entry("x.png", key, PNG)]
    done = {"status": Status.COMPLETED, "has_result": True, "results": results, "bytes": len(PNG)}
    change(engine, Task, **done)
    storage.save(key, PNG)
    return key


def add_worker(engine: Engine, state: State) -> None:
    told = {"state": state, "models": [], "ended": 0, "memory": 0, "drain_requested": False}
    values = {"id": state, "node": "1", "host": "h", "started_at": clock.now(), "beat_at": clock.now(), **told}
    with db.write(engine) as connection:
        connection.execute(insert(Worker).values(values))


@pytest.fixture
def worker(engine: Engine) -> None:
    """One that lives."""
    add_worker(engine, State.IDLE)


def change(engine: Engine, model: type, **values: object) -> None:
    with db.write(engine) as connection:
        connection.execute(update(model).values(values))


def found(settings: Settings, **asked: bool) -> dict[str, Finding]:
    return {finding.about: finding for finding in examine(settings, **asked)}


def left_over(settings: Settings, storage: LocalStorage) -> Path:
    """A file of two days ago that no row knows."""
    key = "results/aa/task_2.1.1.png"
    storage.save(key, PNG)
    path = settings.data_dir / "files" / key
    os.utime(path, (time.time() - 48 * 3600,) * 2)
    return path


def test_a_service_that_is_well_has_no_trouble(settings: Settings, key: str, worker: None) -> None:
    everything = found(settings, checksums=True)

    assert [about for about, finding in everything.items() if not finding.is_well] == []
    parts = ["database", "broker", "disk", "models", "workers", "leases", "trash", "sizes", "erasure", "rows", "files"]
    assert list(everything) == parts


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "results/aa/task_1.1.1.png of {task} (missing)"),
        (lambda path: path.write_bytes(b"half"), "(4 bytes instead of 9)"),
        (lambda path: path.write_bytes(b"a p!cture"), "(another checksum)"),
    ],
)
def test_a_file_that_is_not_as_its_row_says_is_named(
    settings: Settings, engine: Engine, key: str, harm: Callable[[Path], object], said: str
) -> None:
    harm(settings.data_dir / "files" / key)

    finding = found(settings, checksums=True)["rows"]

    with db.write(engine) as connection:
        task = connection.scalar(Task.__table__.select().with_only_columns(Task.public_id))
    assert said.format(task=task) in finding.said
    assert "backup" in finding.advice


def test_checksums_are_looked_at_only_when_asked_for(settings: Settings, key: str) -> None:
    (settings.data_dir / "files" / key).write_bytes(b"a p!cture")

    assert found(settings)["rows"].is_well


def test_a_file_that_no_row_knows_is_named_and_stays(settings: Settings, key: str, storage: LocalStorage) -> None:
    path = left_over(settings, storage)

    finding = found(settings)["files"]

    assert "results/aa/task_2.1.1.png" in finding.said
    assert "--repair" in finding.advice
    assert path.exists()


def test_repair_removes_what_no_row_knows_and_nothing_else(settings: Settings, key: str, storage: LocalStorage) -> None:
    path = left_over(settings, storage)
    storage.save("results/aa/task_3.1.1.png", b"may be written just now")

    finding = found(settings, repair=True)["files"]

    assert finding.is_well
    assert "removed: 1 " in finding.said
    assert not path.exists()
    assert {file.key for file in storage.files("results/aa")} == {key, "results/aa/task_3.1.1.png"}


def test_tasks_that_have_lost_their_worker_are_counted(settings: Settings, engine: Engine, user_id: int) -> None:
    for _ in range(3):
        add_task(engine, user_id)
    lease = clock.now() - timedelta(seconds=10)
    change(engine, Task, status=Status.PROCESSING, lease_until=lease)

    finding = found(settings)["leases"]

    assert "3 tasks" in finding.said
    assert not finding.is_well


def test_without_a_worker_it_says_how_to_start_one(settings: Settings) -> None:
    assert "./start.sh worker" in found(settings)["workers"].advice


@pytest.mark.parametrize("state", [State.DRAINING, State.STALLED, State.GONE])
def test_a_worker_that_takes_no_tasks_is_not_enough(settings: Settings, engine: Engine, state: State) -> None:
    add_worker(engine, state)

    finding = found(settings)["workers"]

    assert f"1 {state}" in finding.said
    assert finding.advice


def test_without_the_database_the_rest_is_still_looked_at(settings: Settings) -> None:
    nowhere = "mysql+pymysql://nobody:hidden@127.0.0.1:9/darkroom"
    away = settings.model_copy(update={"database_url": type(settings.secret_key)(nowhere)})

    everything = found(away)

    assert list(everything) == ["database", "broker", "disk", "models"]
    assert "does not answer" in everything["database"].said
    assert "hidden" not in str(everything["database"])
    assert everything["broker"].is_well


def test_a_database_that_does_not_exist_yet_is_not_made(tmp_path: Path) -> None:
    fresh = Settings(_env_file=None, secret_key="x" * 40, data_dir=tmp_path)

    finding = found(fresh)["database"]

    assert "does not exist yet" in finding.said
    assert list(tmp_path.glob("*.db*")) == []


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:9/0", ""])
def test_a_broker_that_is_away_is_a_trouble(settings: Settings, broker: str) -> None:
    away = settings.model_copy(update={"broker_url": type(settings.secret_key)(broker)})

    assert not found(away)["broker"].is_well


def test_a_disk_that_cannot_be_written_is_a_trouble(settings: Settings) -> None:
    (settings.data_dir / "files").write_text("a file where the folder should be")

    assert "cannot be written" in found(settings)["disk"].said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("models = 5", "models"),
        ('id = "m"\nsource = "./gone"', "no model_index.json in the folder of m"),
        ('id = "m"\nsource = "empty"', "no model_index.json in the folder of m"),
        ('id = "m"\nsource = "hub/id"\nmotion_adapter = "empty"\n', "no config.json in the folder of motion modules"),
    ],
)
def test_a_model_that_is_not_there_is_a_trouble(settings: Settings, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    limits = "{ min = 8, max = 64, default = 64 }"
    ranges = "\n".join(f"{name} = {limits}" for name in ("width", "height", "steps", "guidance_scale"))
    kind = "t2v" if "motion" in content else "t2i"
    frames = "num_frames = { min = 8, max = 16, default = 16 }\nfps = { min = 8, max = 8, default = 8 }"
    rest = f'kinds = ["{kind}"]\nsampling_methods = ["DDIM"]\n{ranges}\n{frames}\n'
    (tmp_path / "m.toml").write_text(f"[[models]]\n{content}\n{rest}")
    wrong = settings.model_copy(update={"models_file": tmp_path / "m.toml"})

    finding = found(wrong)["models"]

    assert said in finding.said
    assert finding.advice


def test_a_kind_that_a_models_class_does_not_make_is_a_trouble(settings: Settings, tmp_path: Path) -> None:
    limits = "{ min = 8, max = 64, default = 64 }"
    ranges = "\n".join(f"{name} = {limits}" for name in ("width", "height", "steps", "guidance_scale"))
    entry = 'id = "m"\nsource = "m"\npipeline = "SanaPipeline"\nkinds = ["t2i", "i2i"]\nsampling_methods = ["DDIM"]'
    (tmp_path / "m.toml").write_text(f"[[models]]\n{entry}\n{ranges}\n")

    finding = found(settings.model_copy(update={"models_file": tmp_path / "m.toml"}))["models"]

    assert "m (i2i)" in finding.said
    assert finding.advice


def test_a_hub_id_is_no_folder_to_look_for(settings: Settings) -> None:
    assert "0 from the hub" in found(settings)["models"].said


def test_a_long_list_is_cut_short() -> None:
    assert listed([str(number) for number in range(12)]) == "0, 1, 2, 3, 4 and 7 more"


def test_the_exit_status_says_whether_all_is_well(
    settings: Settings, key: str, worker: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor.settings, "load", lambda: settings)
    well = doctor.main([])
    (settings.data_dir / "files" / key).unlink()

    assert (well, doctor.main([])) == (0, 1)
    assert "TROUBLE rows: 1 of 1 files" in capsys.readouterr().out


def test_a_file_that_goes_while_its_folder_is_read_is_no_trouble(
    settings: Settings, engine: Engine, key: str, storage: LocalStorage
) -> None:
    left_over(settings, storage).unlink()

    assert files.left_over(storage, KeptFiles(engine, 24), 24, repair=True).is_well
