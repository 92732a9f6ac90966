"""What each round of the cleaner removes, on both stacks, and its thread."""

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session
from structlog.testing import capture_logs

from shared import clock, db
from shared.kept import KeptFiles
from shared.models import ProviderKey, RevokedToken, Upload, User, VerificationCode
from shared.models.base import Base
from shared.storage import LocalStorage
from shared.vault import Vault
from tests.fakes.storage import FakeStorage
from tests.orders import add_user
from tests.servers import until
from worker import cleaner
from worker.cleaner import Cleaner
from worker.eraser import Eraser
from worker.rotation import Rotation
from worker.sweep import Sweep
from worker.trash import Trash

HOURS = 24.0


def cleaner_of(engine: Engine, storage: Any, rotation: Rotation | None = None, interval: float = 60) -> Cleaner:
    """One with parts of its own."""
    keys = rotation or Rotation(engine, Vault(["a secret of the tests"]))
    trash = Trash(engine, storage, trash_days=30, result_days=0)
    eraser = Eraser(engine, storage, forget=lambda claims: None)
    return Cleaner(engine, storage, keys, Sweep(storage, KeptFiles(engine, HOURS)), trash, eraser, HOURS, interval)


def clean(engine: Engine, storage: object = None) -> None:
    cleaner_of(engine, storage or FakeStorage()).clean()


def add(engine: Engine, *rows: Base) -> None:
    with Session(engine) as session, db.writing(session):
        session.add_all(rows)


def ago(**parts: float) -> object:
    return clock.now() - timedelta(**parts)


def code(address: str, **age: float) -> VerificationCode:
    """A code that expired so long ago."""
    times = {"created_at": ago(**age), "expires_at": ago(**age)}
    return VerificationCode(purpose="password_reset", address=address, code_hash="-", **times)


def token(jti: str, **age: float) -> RevokedToken:
    return RevokedToken(jti=jti, expires_at=ago(**age))


def upload(user_id: int, key: str, used: bool = False, **age: float) -> Upload:
    facts = {"media_type": "image/png", "bytes": 1, "sha256": "-", "width": 1, "height": 1}
    times = {"created_at": ago(**age), "used_at": clock.now() if used else None}
    return Upload(public_id=uuid.uuid4().hex, user_id=user_id, key=key, **facts, **times)


def left(engine: Engine, column: InstrumentedAttribute[str]) -> list[str]:
    with Session(engine) as session:
        return sorted(session.scalars(select(column)))


def test_expired_codes_go_and_others_stay(engine: Engine) -> None:
    add(engine, code("old@example.com", seconds=1), code("new@example.com", seconds=-60))

    clean(engine)

    assert left(engine, VerificationCode.address) == ["new@example.com"]


def test_tokens_that_have_ended_by_themselves_leave_the_list(engine: Engine) -> None:
    add(engine, token("old", seconds=1), token("new", seconds=-60))

    clean(engine)

    assert left(engine, RevokedToken.jti) == ["new"]


def test_uploads_that_nobody_used_go_with_their_files(engine: Engine, storage: LocalStorage, tmp_path: Path) -> None:
    storage.save("uploads/a.png", b"a")
    storage.save("uploads/b.png", b"b")
    user = add_user(engine)
    add(engine, upload(user, "uploads/a.png", hours=HOURS + 0.1), upload(user, "uploads/b.png", hours=HOURS - 0.1))

    clean(engine, storage)

    assert left(engine, Upload.key) == ["uploads/b.png"]
    assert [path.name for path in (tmp_path / "files" / "uploads").iterdir()] == ["b.png"]


def test_an_upload_that_was_used_stays_for_ever(engine: Engine) -> None:
    storage = FakeStorage()
    add(engine, upload(add_user(engine), "used", used=True, days=1000))

    clean(engine, storage)

    assert left(engine, Upload.key) == ["used"]
    assert storage.deleted == []


def test_an_upload_that_is_used_at_the_last_moment_stays(engine: Engine) -> None:
    user = add_user(engine)
    add(engine, upload(user, "first", hours=50), upload(user, "second", hours=40))

    def use_the_second() -> None:
        with db.write(engine) as connection:
            connection.execute(update(Upload).where(Upload.key == "second").values(used_at=clock.now()))

    storage = FakeStorage(meanwhile=use_the_second)

    clean(engine, storage)

    assert storage.deleted == ["first"]
    assert left(engine, Upload.key) == ["second"]


def test_a_code_that_is_replaced_at_the_last_moment_stays(engine: Engine) -> None:
    add(engine, code("carol@example.com", seconds=1))
    elsewhere = db.connect(engine.url.render_as_string(hide_password=False))

    def replace(*_: object) -> None:
        with db.write(elsewhere) as connection:
            connection.execute(update(VerificationCode).values(expires_at=ago(seconds=-600)))

    event.listen(engine, "checkin", replace, once=True)  # the cleaner has just found the old one

    clean(engine)
    elsewhere.dispose()

    assert left(engine, VerificationCode.address) == ["carol@example.com"]


def test_a_file_goes_only_after_its_row(engine: Engine) -> None:
    add(engine, upload(add_user(engine), "a", hours=50))
    rows: list[list[str]] = []

    clean(engine, FakeStorage(meanwhile=lambda: rows.append(left(engine, Upload.key))))

    assert rows == [[]]


def test_a_round_is_bounded(engine: Engine) -> None:
    user = add_user(engine)
    add(engine, *(upload(user, str(number), hours=50) for number in range(cleaner.UPLOAD_BATCH + 3)))
    add(engine, *(token(str(number), hours=1) for number in range(cleaner.BATCH + 2)))

    clean(engine)
    first = (len(left(engine, Upload.key)), len(left(engine, RevokedToken.jti)))
    clean(engine)

    assert first == (3, 2)
    assert left(engine, Upload.key) == left(engine, RevokedToken.jti) == []


def test_many_may_clean_at_the_same_time_and_each_file_goes_once(engine: Engine) -> None:
    storage, user = FakeStorage(), add_user(engine)
    add(engine, *(upload(user, f"{number:02}", hours=50) for number in range(20)))
    add(engine, *(token(str(number), hours=1) for number in range(20)), code("a@example.com", hours=1))

    with capture_logs() as logs, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: clean(engine, storage), range(4)))

    assert sorted(storage.deleted) == [f"{number:02}" for number in range(20)]
    assert left(engine, RevokedToken.jti) == left(engine, VerificationCode.address) == []
    assert {entry["event"] for entry in logs} == {"cleaned"}


def test_a_file_that_cannot_be_deleted_is_named_in_the_log_and_holds_nothing_up(engine: Engine) -> None:
    def refuse() -> None:
        raise PermissionError("read-only file system")

    storage, user = FakeStorage(meanwhile=refuse), add_user(engine)
    add(engine, upload(user, "a", hours=50), upload(user, "b", hours=40))

    with capture_logs() as logs:
        clean(engine, storage)

    assert storage.deleted == ["a", "b"]
    assert [(entry["event"], entry.get("key")) for entry in logs[:2]] == [
        ("upload_not_deleted", "a"),
        ("upload_not_deleted", "b"),
    ]


def test_a_database_that_is_away_is_only_logged(tmp_path: Path) -> None:
    nowhere = db.connect(f"sqlite:///{tmp_path / 'no folder' / 'no.db'}")

    with capture_logs() as logs:
        clean(nowhere)

    assert [entry["event"] for entry in logs] == ["cleaning_missed"]


def test_files_that_are_away_are_only_logged(engine: Engine) -> None:
    class Away(FakeStorage):
        def folders(self) -> list[str]:
            raise OSError("no answer within 120 seconds")

    with capture_logs() as logs:
        clean(engine, Away())

    assert [entry["event"] for entry in logs] == ["cleaning_missed"]


def test_the_thread_goes_on_after_whatever_went_wrong(engine: Engine) -> None:
    troubles: list[Exception] = [RuntimeError("the first time")]

    def trouble() -> None:
        if troubles:
            raise troubles.pop()

    user, storage = add_user(engine), FakeStorage(meanwhile=trouble)
    add(engine, upload(user, "a", hours=50), upload(user, "b", hours=40))
    thread = cleaner_of(engine, storage, interval=0.01)

    with capture_logs() as logs:
        thread.start()
        until(lambda: not left(engine, Upload.key), "both uploads gone")
        thread.stop()

    assert not thread.is_alive()
    assert storage.deleted == ["a", "b"]
    assert logs[0]["event"] == "cleaning_failed"


def test_a_cleaner_that_never_began_can_be_stopped(tmp_path: Path) -> None:
    engine = db.connect(f"sqlite:///{tmp_path / 'x.db'}")
    thread = cleaner_of(engine, FakeStorage())

    thread.stop()

    assert not thread.is_alive()


def test_a_stopped_cleaner_begins_no_further_upload(engine: Engine) -> None:
    user, storage = add_user(engine), FakeStorage()
    add(engine, upload(user, "a", hours=50), upload(user, "b", hours=40))
    thread = cleaner_of(engine, storage)
    storage.meanwhile = thread.stop

    thread.clean()

    assert (storage.deleted, left(engine, Upload.key)) == (["a"], ["b"])


def test_each_round_encrypts_keys_of_an_earlier_secret_anew(engine: Engine) -> None:
    old, newest = Vault(["the secret before"]), Vault(["a secret of the tests"])
    names = {"api_name": "mine", "model_name": "m", "base_url": "https://provider.example/v1"}
    locked = {"encrypted_key": old.encrypt("sk-1234"), "last_four": "1234", "vault_version": old.version}
    add(engine, ProviderKey(user_id=add_user(engine), **names, **locked, updated_at=clock.now()))
    both = Rotation(engine, Vault(["a secret of the tests", "the secret before"]))

    cleaner_of(engine, FakeStorage(), both).clean()

    [encrypted] = left(engine, ProviderKey.encrypted_key)
    assert newest.decrypt(encrypted) == "sk-1234"


def test_each_round_sweeps_a_folder(engine: Engine, storage: LocalStorage, tmp_path: Path) -> None:
    add(engine, User(account="u", account_key="u", email="u@example.com", password_hash="-", created_at=ago(hours=99)))
    storage.save("results/aa/task_left.1.1.png", b"left over")
    old = time.time() - 25 * 3600
    os.utime(tmp_path / "files" / "results" / "aa" / "task_left.1.1.png", (old, old))

    cleaner_of(engine, storage).clean()

    assert list(storage.files("results/aa")) == []
