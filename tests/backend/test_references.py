"""What a request may refer to: own uploads and results, and pictures elsewhere, on both stacks."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from backend.services.files import Files, OwnFile
from backend.services.pictures import Pictures
from backend.services.quotas import Quotas
from backend.services.references import References
from backend.services.uploads import MAX_BYTES, Uploads
from shared import db
from shared.addresses import Addresses, FetchRefused
from shared.claims import Claims
from shared.errors import Invalid
from shared.fetcher import Fetcher, FetchFailed
from shared.models import Task, Upload
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.drawings import corners, encoded, png_header
from tests.orders import add_task, add_user, result_entry
from tests.site import Site, redirect, reply

PNG = encoded(corners())


class FakeFetcher:
    """Has one answer for every url; remembers the urls, and whether a transaction was open meanwhile."""

    def __init__(self, session: Session, answer: bytes | Exception) -> None:
        self._session = session
        self._answer = answer
        self.asked: list[str] = []
        self.held: list[bool] = []

    def get(self, url: str, max_bytes: int) -> bytes:
        self.asked.append(url)
        self.held.append(self._session.in_transaction())
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def storage(settings: Settings) -> LocalStorage:
    return LocalStorage(settings.data_dir / "files")


@pytest.fixture
def alice(engine: Engine) -> int:
    return add_user(engine)


@pytest.fixture
def bob(engine: Engine) -> int:
    return add_user(engine)


def references(session: Session, storage: LocalStorage, fetcher: Any = None) -> References:
    return References(
        session, Files(session, storage), Uploads(session, storage, Pictures(40), fetcher, Quotas(session, 0))
    )


def kept(session: Session, storage: LocalStorage, user_id: int) -> OwnFile:
    return Uploads(session, storage, Pictures(40), None, Quotas(session, 0)).keep(user_id, PNG)


def result(engine: Engine, user_id: int, media_type: str = "image/png") -> str:
    """The url of a completed task's file."""
    task = add_task(engine, user_id)
    claims = Claims(engine, "worker", 15, 3)
    [claim] = claims.claim("gpu", lambda model: 1)
    extension = media_type.split("/")[1]
    claims.complete(claim, [result_entry(f"{task}.{extension}", key="results/aa/x", media_type=media_type)])
    return f"/generated_outputs/{task}.{extension}"


def problem(found: References, user_id: int, *texts: str) -> tuple[str, str]:
    with pytest.raises(Invalid) as caught:
        found.resolve(user_id, texts)
    return caught.value.problems[0].field, caught.value.problems[0].code


@pytest.mark.parametrize("form", ["{id}", "{url}", "{url}?expires=1&signature=x", "https://art.example.org{url}"])
def test_an_own_upload_is_known_in_every_form(session: Session, storage: LocalStorage, alice: int, form: str) -> None:
    upload = kept(session, storage, alice)
    text = form.format(id=upload.stem, url=upload.url)

    found = references(session, storage).resolve(alice, [text])

    assert found == [(text, upload)]


def test_an_own_result_is_known_by_its_url(engine: Engine, session: Session, storage: LocalStorage, alice: int) -> None:
    url = result(engine, alice)

    [(text, file)] = references(session, storage).resolve(alice, [url])

    assert (text, file.url, file.key) == (url, url, "results/aa/x")


def test_somebody_elses_picture_is_like_one_that_does_not_exist(
    engine: Engine, session: Session, storage: LocalStorage, alice: int, bob: int
) -> None:
    upload, made = kept(session, storage, alice), result(engine, alice)
    texts = [upload.stem, upload.url, made, "ref_" + "0" * 20, f"/generated_outputs/task_{'0' * 20}.png"]

    answers = {problem(references(session, storage), bob, text) for text in texts}

    assert answers == {("images.0", "image_unknown")}


def test_a_deleted_records_result_is_unknown(
    engine: Engine, session: Session, storage: LocalStorage, alice: int
) -> None:
    url = result(engine, alice)
    with db.write(engine) as connection:
        connection.execute(update(Task).values(deleted_at=datetime.now(UTC)))

    assert problem(references(session, storage), alice, url) == ("images.0", "image_unknown")


def test_a_video_is_no_reference_image(engine: Engine, session: Session, storage: LocalStorage, alice: int) -> None:
    url = result(engine, alice, "video/mp4")

    assert problem(references(session, storage), alice, url) == ("images.0", "not_an_image")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "ref_1",
        "ref_" + "0" * 21,
        "\0",
        "a\0b",
        "圆😀",
        "../../etc/passwd",
        "/etc/passwd",
        "//host/a.png",
        " ",
        "x" * 1_000_000,
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_url_is_an_unknown_image(session: Session, storage: LocalStorage, alice: int, text: str) -> None:
    fetcher = FakeFetcher(session, PNG)

    assert problem(references(session, storage, fetcher), alice, text) == ("images.0", "image_unknown")
    assert fetcher.asked == []


def test_a_picture_from_elsewhere_becomes_an_upload(
    session: Session, storage: LocalStorage, alice: int, bob: int
) -> None:
    url = "https://pictures.example/a?b=c"

    [(text, file)] = references(session, storage, FakeFetcher(session, PNG)).resolve(alice, [url])

    row = session.scalars(select(Upload)).one()
    assert (text, file.upload_id, row.user_id, row.key) == (url, row.id, alice, file.key)
    assert (file.media_type, file.width, file.height) == ("image/png", 32, 16)


def test_no_connection_is_held_while_somebody_far_away_is_waited_for(
    session: Session, storage: LocalStorage, alice: int
) -> None:
    fetcher = FakeFetcher(session, PNG)
    session.execute(select(Task.id))

    references(session, storage, fetcher).resolve(alice, ["http://pictures.example/a", "http://pictures.example/b"])

    assert fetcher.held == [False, False]


def test_nothing_is_fetched_where_that_is_switched_off(session: Session, storage: LocalStorage, alice: int) -> None:
    assert problem(references(session, storage), alice, "https://pictures.example/") == ("images.0", "fetch_refused")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (FetchRefused(), "fetch_refused"),
        (FetchFailed(), "fetch_failed"),
        (b"", "image_undecodable"),
        (b"<html>", "image_undecodable"),
        (encoded(corners(), "TIFF"), "image_undecodable"),
        (png_header(50_000, 50_000), "image_too_many_pixels"),
    ],
    ids=repr,
)
def test_what_cannot_be_had_or_used_names_the_image(
    session: Session, storage: LocalStorage, alice: int, answer: bytes | Exception, code: str
) -> None:
    own = kept(session, storage, alice).stem
    found = references(session, storage, FakeFetcher(session, answer))

    assert problem(found, alice, own, "https://pictures.example/a") == ("images.1", code)


def test_a_real_site_is_fetched_from(session: Session, storage: LocalStorage, alice: int) -> None:
    with Site() as site:
        site.answers |= {"/a": redirect("/b"), "/b": reply(PNG, headers={"Content-Type": "text/html"})}

        [(_, file)] = references(session, storage, Fetcher(Addresses({site.place}))).resolve(alice, [site.url("/a")])

    assert (file.media_type, file.width) == ("image/png", 32)


def test_a_picture_from_elsewhere_may_not_be_larger_than_an_upload(
    session: Session, storage: LocalStorage, alice: int
) -> None:
    with Site() as site:
        site.answers["/a"] = reply(b"", headers={"Content-Length": str(MAX_BYTES + 1)})

        found = references(session, storage, Fetcher(Addresses({site.place})))

        assert problem(found, alice, site.url("/a")) == ("images.0", "fetch_failed")


@pytest.mark.parametrize("url", ["http://[::1", "http://[x]/", "https://", "ftp://pictures.example/a.png", "data:,x"])
def test_an_url_that_is_none_of_the_webs_is_refused(
    session: Session, storage: LocalStorage, alice: int, url: str
) -> None:
    assert problem(references(session, storage, Fetcher(Addresses())), alice, url) == ("images.0", "fetch_refused")


def test_an_upload_that_is_used_is_marked(session: Session, storage: LocalStorage, alice: int) -> None:
    found = references(session, storage)
    [(_, file)] = found.resolve(alice, [kept(session, storage, alice).stem])

    with db.writing(session):
        found.use([file])

    assert session.scalars(select(Upload.used_at)).one() is not None


def test_an_upload_that_went_meanwhile_cannot_be_used(
    engine: Engine, session: Session, storage: LocalStorage, alice: int
) -> None:
    file = kept(session, storage, alice)
    with db.write(engine) as connection:
        connection.execute(Upload.__table__.delete())

    with pytest.raises(Invalid) as caught, db.writing(session):
        references(session, storage).use([file])

    assert caught.value.problems[0].code == "image_unknown"
