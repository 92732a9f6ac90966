"""What the tests of the image contract share: short calls, and a form written by hand."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.settings import Settings
from tests.drawings import corners, encoded

PNG = encoded(corners())
FORM = {"username": "carol", "email": "carol@example.com", "password": "Pass@123"}
ENGLISH = {"Accept-Language": "en"}


def field(name: str, value: bytes, about: str = "", media_type: str = "") -> bytes:
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"{about}\r\n'
    return (head + (f"Content-Type: {media_type}\r\n" if media_type else "") + "\r\n").encode() + value + b"\r\n"


def picture(data: bytes, media_type: str = "image/png", filename: str = "me.png") -> bytes:
    return field("avatar", data, f'; filename="{filename}"', media_type)


def register(client: FlaskClient, *parts: bytes, headers: dict[str, str] | None = None, **values: Any) -> TestResponse:
    """The test client would leave large forms in temporary files; None leaves a field out."""
    fields = {name: value for name, value in {**FORM, **values}.items() if value is not None}
    form = b"".join([*(field(name, str(value).encode()) for name, value in fields.items()), *parts, b"--x--\r\n"])
    options: dict[str, Any] = {"content_type": "multipart/form-data; boundary=x", "headers": headers}
    return client.post("/api/auth/register", data=form, **options)


def avatar_url(response: TestResponse) -> str:
    url: str = response.get_json()["data"]["avatarUrl"]
    return url


def files(settings: Settings) -> list[str]:
    """What lies in the storage."""
    return [path.name for path in (settings.data_dir / "files").rglob("*") if path.is_file()]


def refusal(response: TestResponse) -> tuple[int, str, str]:
    """The status, the first field if any, and what is wrong."""
    body = response.get_json()
    assert body["status"] == "error"
    [first, *_] = [*body["error"]["fields"], {"field": "", "code": body["error"]["code"]}]
    return response.status_code, first["field"], first["code"]
