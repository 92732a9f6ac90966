"""Settings from the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared import settings
from shared.settings import InvalidSettings, Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a developer's .env nor their environment."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SECRET_KEY", "s" * 40)


def test_the_default_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/data")

    found = settings.load()

    assert found.embeds_broker
    assert found.database == "sqlite:////data/darkroom.db"
    assert (found.redis_url, found.celery_url) == (
        "unix:///data/run/broker.sock",
        "redis+socket:///data/run/broker.sock",
    )


@pytest.mark.parametrize("server", ["mysql", "mariadb"])
@pytest.mark.parametrize(("installed", "driver"), [(None, "pymysql"), (object(), "mysqldb")])
def test_mysql_and_mariadb_are_spoken_to_through_the_faster_driver(
    monkeypatch: pytest.MonkeyPatch, server: str, installed: object, driver: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: installed)
    monkeypatch.setenv("DATABASE_URL", f"{server}://user:word@host/name")

    assert settings.load().database == f"mysql+{driver}://user:word@host/name"


@pytest.mark.parametrize("scheme", ["mysql+pymysql", "mariadb+pymysql"])
def test_a_driver_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{scheme}://user:word@host/name")

    assert settings.load().database == "mysql+pymysql://user:word@host/name"


def test_a_long_data_folder_moves_the_socket_where_its_path_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/" + "long/" * 30)

    assert len(bytes(settings.load().broker_socket)) < 100


def test_two_long_data_folders_have_two_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "/" + "long/" * 30)
    one = settings.load().broker_socket
    monkeypatch.setenv("DATA_DIR", "/" + "long/" * 31)

    assert settings.load().broker_socket != one


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", ""),
        ("LOG_LEVEL", "loud"),
        ("DEVICE", "abacus"),
        ("WEB_THREADS", "-1"),
        ("HEARTBEAT_SECONDS", "10"),
        ("STORAGE_URL", "s3://Bucket"),
        ("STORAGE_URL", "s3://bucket/../prefix"),
        ("STORAGE_URL", "s3://bucket//prefix"),
        ("STORAGE_URL", "https://bucket.s3.amazonaws.com"),
        ("S3_ENDPOINT_URL", "minio:9000"),
        ("S3_ENDPOINT_URL", "https://name:word@minio"),
        ("S3_PUBLIC_URL", "https://files.example.org?x=1"),
        ("S3_SECRET_KEY", "without an id"),
        ("MAIL_FROM", "Darkroom"),
        ("MAIL_FROM", "Darkroom <darkroom@>"),
        ("MAIL_FROM", "darkroom@example.org\nBcc: everybody@example.org"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSettings) as caught:
        settings.load()

    assert str(caught.value).startswith(f"{name}: ")
    assert len(value) < 3 or value not in str(caught.value)


@pytest.mark.parametrize("url", ["s3://bucket", "s3://bucket/", "s3://my.bucket-1/some/prefix_2"])
def test_files_may_be_kept_in_a_bucket(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("STORAGE_URL", url)

    assert settings.load().storage_url == url


def test_a_key_to_the_bucket_has_two_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ACCESS_KEY", "only the id")

    with pytest.raises(InvalidSettings, match=r"^S3_SECRET_KEY: .*S3_ACCESS_KEY"):
        settings.load()


def test_nginx_cannot_be_told_to_send_what_is_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_URL", "s3://bucket")
    monkeypatch.setenv("ACCEL_REDIRECT", "/_files/")

    with pytest.raises(InvalidSettings, match=r"^STORAGE_URL: .*ACCEL_REDIRECT must be empty"):
        settings.load()


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        settings.load().port = 1  # type: ignore[misc]


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:geheim@host/name")

    assert "geheim" not in repr(settings.load())
    assert "s" * 40 not in repr(settings.load())


def test_several_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")

    assert settings.load().cors_origins == ("https://a.example", "https://b.example")


def test_a_relative_folder_is_beside_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", "elsewhere")

    assert settings.load().data_dir == Path(settings.__file__).parent.parent / "elsewhere"
