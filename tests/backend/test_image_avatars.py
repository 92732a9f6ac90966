"""Avatars: what is kept, how it is sent, what is refused, and that nothing is left behind."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select

from backend.services.avatars import AVATARS_URL, LONGEST_SIDE, MAX_BYTES, Avatars, Sent
from backend.services.pictures import Pictures
from backend.wiring import services
from shared.errors import Unavailable
from shared.models import User
from shared.settings import Settings
from shared.storage import LocalStorage
from tests.backend.conftest import Person
from tests.backend.image import PNG, avatar_url, files, picture, refusal, register
from tests.backend.records import id_of
from tests.drawings import CORNERS, MEDIA_TYPES, corner_colours, corners, decoded, encoded, png_header

HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
TAKEN = [name for name in MEDIA_TYPES if name != "BMP"]


class FullStorage(LocalStorage):
    """A disk without room."""

    def save(self, key: str, data: bytes) -> None:
        raise OSError("no space left")


def accounts(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(User)).scalar_one()


@pytest.fixture
def set_avatar(app: Flask, alice: Person, engine: Engine) -> Callable[[str | None], None]:
    """As the contract that changes avatars does."""

    def set_it(url: str | None) -> None:
        with app.test_request_context():
            services().accounts.set_avatar(id_of(engine, alice), url)

    return set_it


@pytest.fixture
def saved(app: Flask) -> Callable[[], str]:
    """A new file's url."""

    def save() -> str:
        with app.test_request_context():
            return services().avatars.save(Sent(PNG))

    return save


@pytest.mark.parametrize("name", TAKEN)
def test_each_format_can_be_had_back_by_everybody(client: FlaskClient, name: str) -> None:
    url = avatar_url(register(client, picture(encoded(corners(), name), MEDIA_TYPES[name])))

    response = client.get(url, buffered=True)

    expected = ("jpg", "image/jpeg") if name == "JPEG" else ("png", "image/png")
    assert (url.rpartition(".")[2], response.mimetype) == expected
    assert (response.status_code, corner_colours(decoded(response.data))) == (200, CORNERS)


def test_the_old_name_of_jpeg_is_understood(client: FlaskClient) -> None:
    response = register(client, picture(encoded(corners(), "JPEG"), "image/jpg"))

    assert avatar_url(response).endswith(".jpg")


def test_a_picture_is_sent_so_that_it_can_do_no_harm_and_need_not_be_sent_again(client: FlaskClient) -> None:
    url = avatar_url(register(client, picture(PNG)))

    first = client.get(url, buffered=True)
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]}, buffered=True)

    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Content-Security-Policy"] == "sandbox"
    assert int(first.headers["Content-Length"]) == len(first.data)
    assert again.status_code == 304


def test_nobody_can_guess_a_name(client: FlaskClient) -> None:
    urls = {avatar_url(register(client, picture(PNG), username=n, email=f"{n}@example.com")) for n in ("one", "two")}

    assert len(urls) == 2
    assert all(re.fullmatch(r"/api/uploads/avatars/[0-9a-f]{32}\.png", url) for url in urls)


@pytest.mark.parametrize("name", ["../../etc/passwd.png", "me.php", "图.svg", "a\\b", "x" * 1000, "%00.png"])
def test_a_files_own_name_is_of_no_interest(client: FlaskClient, name: str) -> None:
    response = register(client, picture(PNG, filename=name))

    assert re.fullmatch(r"/api/uploads/avatars/[0-9a-f]{32}\.png", avatar_url(response))


def test_a_large_picture_is_made_smaller_and_keeps_its_shape(client: FlaskClient) -> None:
    url = avatar_url(register(client, picture(encoded(corners(4096, 1024)))))

    shown = decoded(client.get(url, buffered=True).data)

    assert shown.size == (LONGEST_SIDE, LONGEST_SIDE // 4)
    assert corner_colours(shown) == CORNERS


def test_what_stands_behind_a_picture_is_not_kept(client: FlaskClient) -> None:
    url = avatar_url(register(client, picture(encoded(corners(), "JPEG") + HTML, "image/jpeg")))

    response = client.get(url, buffered=True)

    assert response.mimetype == "image/jpeg"
    assert b"script" not in response.data


@pytest.mark.parametrize(
    ("data", "media_type", "expected"),
    [
        (PNG, "image/jpeg", (400, "avatar", "image_type_mismatch")),
        (SVG, "image/png", (400, "avatar", "image_undecodable")),
        (HTML, "image/gif", (400, "avatar", "image_undecodable")),
        (b"GIF89a" + HTML, "image/gif", (400, "avatar", "image_undecodable")),
        (PNG[:40], "image/png", (400, "avatar", "image_undecodable")),
        (b"", "image/png", (400, "avatar", "image_undecodable")),
        (png_header(60_000, 60_000), "image/png", (400, "avatar", "image_too_many_pixels")),
        (png_header(5_000, 5_000), "image/png", (400, "avatar", "image_undecodable")),
        (SVG, "image/svg+xml", (415, "", "unsupported_media_type")),
        (HTML, "text/html", (415, "", "unsupported_media_type")),
        (encoded(corners(), "BMP"), "image/bmp", (415, "", "unsupported_media_type")),
        (encoded(corners(), "BMP"), "image/png", (400, "avatar", "image_type_mismatch")),
        (PNG, "application/octet-stream", (415, "", "unsupported_media_type")),
        (PNG + b"\0" * (MAX_BYTES + 1 - len(PNG)), "image/png", (413, "", "too_large")),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refused_picture_leaves_no_account_and_no_file(
    client: FlaskClient, engine: Engine, settings: Settings, data: bytes, media_type: str, expected: Any
) -> None:
    response = register(client, picture(data, media_type))

    assert refusal(response) == expected
    assert (accounts(engine), files(settings)) == (0, [])


def test_a_picture_of_exactly_the_limit_is_taken(client: FlaskClient) -> None:
    assert register(client, picture(PNG + b"\0" * (MAX_BYTES - len(PNG)))).status_code == 200


@pytest.mark.parametrize(
    "values", [{"email": "other@example.com"}, {"username": "other"}, {"username": "a@b"}, {"password": "x"}], ids=str
)
def test_a_refused_registration_leaves_no_file(client: FlaskClient, settings: Settings, values: Any) -> None:
    register(client)

    response = register(client, picture(PNG), **values)

    assert response.status_code in {400, 409}
    assert files(settings) == []


def test_a_full_disk_leaves_no_account(settings: Settings) -> None:
    avatars = Avatars(FullStorage(settings.data_dir), Pictures(1))

    with pytest.raises(Unavailable), avatars.keeping(Sent(PNG)):
        pytest.fail("nothing may be done with a picture that is not there")


@pytest.mark.parametrize(
    "name",
    [
        f"{'0' * 32}.png",
        "nothing",
        "..%2f..%2fdarkroom.db",
        "%2e%2e/%2e%2e/darkroom.db",
        "a\0.png",
        "😀.png",
        f"{'0' * 32}.png%0a",
        "x" * 5000,
    ],
    ids=lambda name: name[:20],
)
def test_an_unknown_name_is_404(client: FlaskClient, name: str) -> None:
    assert refusal(client.get(AVATARS_URL + name)) == (404, "", "not_found")


def test_an_avatar_that_is_replaced_goes(
    client: FlaskClient, settings: Settings, saved: Callable[[], str], set_avatar: Callable[[str | None], None]
) -> None:
    first, second = saved(), saved()
    set_avatar(first)

    set_avatar(second)

    assert (client.get(first).status_code, client.get(second, buffered=True).status_code) == (404, 200)
    assert files(settings) == [second.removeprefix(AVATARS_URL)]


@pytest.mark.parametrize("url", ["https://example.com/me.png", None])
def test_an_uploaded_avatar_goes_when_another_is_shown_instead(
    alice: Person,
    settings: Settings,
    saved: Callable[[], str],
    set_avatar: Callable[[str | None], None],
    url: str | None,
) -> None:
    set_avatar(saved())

    set_avatar(url)

    assert alice.call("GET", "/api/auth/profile").get_json()["data"]["avatarUrl"] == url
    assert files(settings) == []


def test_the_same_avatar_again_stays(
    client: FlaskClient, saved: Callable[[], str], set_avatar: Callable[[str | None], None]
) -> None:
    url = saved()
    set_avatar(url)

    set_avatar(url)

    assert client.get(url, buffered=True).status_code == 200


def test_an_avatar_elsewhere_is_replaced_without_a_thought(
    alice: Person, set_avatar: Callable[[str | None], None]
) -> None:
    set_avatar("https://example.com/api/uploads/avatars/../../x.png")

    set_avatar("https://example.com/b.png")

    assert alice.call("GET", "/api/auth/profile").get_json()["data"]["avatarUrl"] == "https://example.com/b.png"
