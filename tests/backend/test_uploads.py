"""Uploading pictures, on both stacks: what is kept, what is refused, and that nothing is left behind."""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from backend.services.pictures import Pictures
from backend.services.quotas import Quotas
from backend.services.uploads import MAX_BYTES, Uploads
from shared.errors import Unavailable
from shared.models import Upload
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.drawings import CORNERS, MEDIA_TYPES, corner_colours, corners, decoded, encoded, png_header

PNG = encoded(corners())
Way = Callable[..., TestResponse]


def send_raw(person: Person, data: bytes, media_type: str = "image/png", **options: Any) -> TestResponse:
    return person.call("POST", "/api/v1/upload", data=data, content_type=media_type, **options)


def send_form(person: Person, data: bytes, media_type: str = "image/png", **options: Any) -> TestResponse:
    """Written by hand: the test client would leave large forms in temporary files."""
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: {media_type}\r\n\r\n'
    form = head.replace("Content-Type: \r\n", "").encode() + data + b"\r\n--x--\r\n"
    return person.call("POST", "/api/v1/upload", data=form, content_type="multipart/form-data; boundary=x", **options)


def send_parts(person: Person, parts: dict[str, Any], **options: Any) -> TestResponse:
    return person.call("POST", "/api/v1/upload", data=parts, content_type="multipart/form-data", **options)


WAYS = pytest.mark.parametrize("send", [send_raw, send_form])
ANY_DATABASE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches one


def rows(engine: Engine) -> list[Upload]:
    with Session(engine, expire_on_commit=False) as session:
        return list(session.scalars(select(Upload)))


def files(settings: Settings) -> list[Path]:
    return [path for path in (settings.data_dir / "files").rglob("*") if path.is_file()]


def refusal(response: TestResponse) -> tuple[int, str]:
    error = response.get_json()["error"]
    return response.status_code, next((problem["code"] for problem in error["fields"]), error["code"])


@WAYS
def test_uploading_answers_as_documented(alice: Person, send: Way) -> None:
    body = send(alice, PNG).get_json()

    assert (body["code"], body["message"]) == (200, "上传成功")
    file_id = body["data"]["file_id"]
    assert re.fullmatch("ref_[0-9a-f]{20}", file_id)
    assert body["data"]["file_url"] == f"/generated_outputs/{file_id}.png"
    assert body["data"]["signed_url"].startswith(f"/generated_outputs/{file_id}.png?")
    assert (body["data"]["width"], body["data"]["height"], body["data"]["media_type"]) == (32, 16, "image/png")


@WAYS
@pytest.mark.parametrize("name", MEDIA_TYPES)
def test_each_format_can_be_had_back(alice: Person, send: Way, name: str) -> None:
    data = send(alice, encoded(corners(), name), MEDIA_TYPES[name]).get_json()["data"]

    response = alice.call("GET", data["file_url"])

    assert (response.status_code, response.mimetype) == (200, data["media_type"])
    assert len(response.data) == data["bytes"]
    assert corner_colours(decoded(response.data)) == CORNERS


def test_the_row_says_what_the_file_is(alice: Person, engine: Engine, settings: Settings) -> None:
    data = send_raw(alice, PNG).get_json()["data"]

    [row], [file] = rows(engine), files(settings)
    assert (row.public_id, row.width, row.height, row.used_at) == (data["file_id"], 32, 16, None)
    assert settings.data_dir / "files" / row.key == file
    assert (row.bytes, row.sha256) == (file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.parametrize("field", ["file", "image", "图", "x" * 300, ""])
def test_the_part_of_a_form_may_have_any_name(alice: Person, field: str) -> None:
    assert send_parts(alice, {field: (io.BytesIO(PNG), "a.png", "image/png")}).status_code == 200


@pytest.mark.parametrize("name", ["a.png", "../../etc/passwd", "图.exe", "a\\b", "x" * 1000])
def test_a_files_own_name_is_of_no_interest(alice: Person, name: str) -> None:
    response = send_parts(alice, {"file": (io.BytesIO(PNG), name, "image/png")})

    assert re.fullmatch("/generated_outputs/ref_[0-9a-f]{20}.png", response.get_json()["data"]["file_url"])


def test_other_fields_of_the_form_are_left_alone(alice: Person) -> None:
    parts = {"title": "x", "file": (io.BytesIO(PNG), "a.png", "image/png")}

    assert send_parts(alice, parts).status_code == 200


def test_a_part_that_says_no_type_is_looked_at(alice: Person) -> None:
    assert send_form(alice, encoded(corners(), "JPEG"), "").get_json()["data"]["media_type"] == "image/jpeg"


def test_an_upload_is_its_owners_only(alice: Person, bob: Person) -> None:
    data = send_raw(alice, PNG).get_json()["data"]

    others, nobodys = bob.call("GET", data["file_url"]), bob.call("GET", f"/generated_outputs/ref_{'0' * 20}.png")

    assert (others.status_code, others.get_json()) == (404, nobodys.get_json())
    assert alice.client.get(data["file_url"]).status_code == 401


def test_an_upload_opens_by_its_link_without_a_token(alice: Person) -> None:
    data = send_raw(alice, PNG).get_json()["data"]

    response = alice.client.get(data["signed_url"], buffered=True)

    assert (response.status_code, len(response.data)) == (200, data["bytes"])


def test_the_same_picture_again_is_another_upload(alice: Person, engine: Engine) -> None:
    ids = {send_raw(alice, PNG).get_json()["data"]["file_id"] for _ in range(2)}

    assert ids == {row.public_id for row in rows(engine)}
    assert len(ids) == 2


@ANY_DATABASE
@WAYS
@pytest.mark.parametrize(
    ("data", "media_type", "code"),
    [
        (b"", "image/png", "file_missing"),
        (b"\0", "image/png", "image_undecodable"),
        (b"x" * 1_000_000, "image/png", "image_undecodable"),
        (b"GIF89a", "image/gif", "image_undecodable"),
        (PNG[: len(PNG) // 2], "image/png", "image_undecodable"),
        (PNG, "image/jpeg", "image_type_mismatch"),
        (encoded(corners(), "WEBP"), "image/png", "image_type_mismatch"),
        (encoded(corners(), "TIFF"), "image/png", "image_undecodable"),
        (png_header(50_000, 50_000), "image/png", "image_too_many_pixels"),
        (png_header(0, 0), "image/png", "image_undecodable"),
    ],
)
def test_what_is_no_good_picture_is_refused_and_leaves_nothing(
    alice: Person, engine: Engine, settings: Settings, send: Way, data: bytes, media_type: str, code: str
) -> None:
    response = send(alice, data, media_type)

    assert refusal(response) == (400, code)
    assert (response.get_json()["code"], response.get_json()["data"]) == (400, None)
    assert response.get_json()["error"]["fields"][0]["field"] == "file"
    assert (rows(engine), files(settings)) == ([], [])


@ANY_DATABASE
@WAYS
@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "image/tiff", "image/svg+xml", "x"])
def test_another_type_is_refused(alice: Person, send: Way, media_type: str) -> None:
    assert refusal(send(alice, PNG, media_type)) == (415, "unsupported_media_type")


@ANY_DATABASE
def test_a_body_without_a_type_is_refused(alice: Person) -> None:
    assert refusal(alice.call("POST", "/api/v1/upload", data=PNG)) == (415, "unsupported_media_type")


@ANY_DATABASE
@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ({}, "file_missing"),
        ({"file": "only a text"}, "file_missing"),
        ({"a": [(io.BytesIO(PNG), "a.png"), (io.BytesIO(PNG), "b.png")]}, "file_ambiguous"),
        ({"a": (io.BytesIO(PNG), "a.png"), "b": (io.BytesIO(PNG), "b.png")}, "file_ambiguous"),
    ],
)
def test_a_form_must_have_exactly_one_file(alice: Person, parts: dict[str, Any], code: str) -> None:
    assert refusal(send_parts(alice, parts)) == (400, code)


@ANY_DATABASE
@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=other", "; boundary=x"])
def test_a_form_that_cannot_be_read_has_no_file(alice: Person, boundary: str) -> None:
    form = b"--x\r\n\r\n\xff\xfe"

    response = alice.call("POST", "/api/v1/upload", data=form, content_type=f"multipart/form-data{boundary}")

    assert response.status_code == 400


def padded(length: int) -> bytes:
    """A JPEG of so many bytes."""
    return encoded(corners(), "JPEG").ljust(length, b"\0")


UNTOLD = {  # as gunicorn hands on a chunked body
    "headers": {"Transfer-Encoding": "chunked"},
    "environ_overrides": {"wsgi.input_terminated": True},
}


@ANY_DATABASE
@WAYS
@pytest.mark.parametrize("options", [{}, UNTOLD], ids=["length", "chunked"])
@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 413), (2 * 1024 * 1024, 413)])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # werkzeug: a refused form's open file
def test_twenty_megabytes_are_the_limit(
    alice: Person, settings: Settings, send: Way, options: dict[str, Any], extra: int, status: int
) -> None:
    answered = send(alice, padded(MAX_BYTES + extra), "image/jpeg", **options).status_code

    assert answered == status
    assert len(files(settings)) == (status == 200)


def test_a_picture_too_many_is_to_come_again(alice: Person, engine: Engine) -> None:
    resources = alice.client.application.extensions["darkroom"]
    object.__setattr__(resources, "pictures", Pictures(40, at_a_time=0, patience=0))

    response = send_raw(alice, PNG)

    assert refusal(response) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert rows(engine) == []


def test_a_file_whose_row_cannot_be_written_is_removed(engine: Engine, settings: Settings) -> None:
    storage = LocalStorage(settings.data_dir / "files")

    with Session(engine) as session, pytest.raises(IntegrityError):
        Uploads(session, storage, Pictures(40), None, Quotas(session, 0)).keep(999_999, PNG)

    assert files(settings) == []


class FullDisk(LocalStorage):
    """Has no room."""

    def save(self, key: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_not_the_callers_fault(alice: Person, engine: Engine, settings: Settings) -> None:
    storage = FullDisk(settings.data_dir / "files")

    with Session(engine) as session, pytest.raises(Unavailable):
        Uploads(session, storage, Pictures(40), None, Quotas(session, 0)).keep(1, PNG)

    assert rows(engine) == []
