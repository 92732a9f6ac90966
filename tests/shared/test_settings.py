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


@pytest.mark.parametrize("scheme", ["mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"])
def test_mysql_and_mariadb_are_spoken_to_through_one_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
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
