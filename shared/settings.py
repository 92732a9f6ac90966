"""Every setting of the service, read once from the environment or `.env`, checked, then frozen.

Owns what is configurable and the embedded defaults. Does not know who uses a setting.
"""

import hashlib
import importlib.util
import re
import tempfile
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's own limit is 108 on Linux and 104 on macOS

LIMIT = r"^[1-9][0-9]{0,6}/(second|minute|hour|day)$"

BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.)[A-Za-z0-9._-]+)*/?")
HttpUrlText = Annotated[str, Field(pattern=r"^(https?://[^\s/?#@]+(/[^\s?#@]*)?)?$")]

AbsolutePath = Annotated[Path, AfterValidator(lambda path: ROOT / path.expanduser())]


class InvalidSettings(Exception):
    """At least one variable has a value that the service cannot start with."""


class Settings(BaseSettings):
    """The service's settings; the variable of a field is its name in capitals."""

    model_config = SettingsConfigDict(
        env_file=ROOT / ".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    data_dir: AbsolutePath = ROOT / "var"
    database_url: SecretStr = SecretStr("")
    broker_url: SecretStr = SecretStr("")
    models_file: AbsolutePath = ROOT / "shared" / "models.toml"

    secret_key: SecretStr = Field(min_length=32)
    token_hours: int = Field(168, ge=1, le=24 * 366)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    old_secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    captcha_required: bool = False
    limits: bool = True
    trusted_proxies: int = Field(0, ge=0, le=16)
    limit_register: str = Field("20/hour", pattern=LIMIT)
    limit_login: str = Field("20/minute", pattern=LIMIT)
    limit_code: str = Field("10/minute", pattern=LIMIT)
    limit_captcha: str = Field("60/minute", pattern=LIMIT)
    limit_generate: str = Field("60/minute", pattern=LIMIT)
    provider_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    provider_seconds: float = Field(120, ge=1, le=600)

    smtp_host: str = ""
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_seconds: float = Field(10, ge=1, le=60)
    mail_from: str = "Darkroom <darkroom@localhost>"

    web_workers: int = Field(2, ge=1, le=64)
    web_threads: int = Field(16, ge=2, le=256)
    web_watchers: int = Field(8, ge=1, le=255)
    accel_redirect: str = Field("", pattern=r"^(/.*/)?$")

    storage_url: str = ""
    s3_endpoint_url: HttpUrlText = ""
    s3_public_url: HttpUrlText = ""
    s3_region: str = Field("", pattern=r"^[a-z0-9-]*$")
    s3_addressing: Literal["auto", "path", "virtual"] = "auto"
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    s3_redirect: bool = True

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    memory_gb: float = Field(0, ge=0, le=4096)
    embedding_cache_mb: int = Field(256, ge=0, le=65536)
    compile: Literal["auto", "on", "off"] = "auto"
    previews: bool = True
    lease_seconds: float = Field(15, ge=1, le=600)
    heartbeat_seconds: float = Field(3, ge=0.1, le=60)
    stall_seconds: float = Field(300, ge=1, le=24 * 3600)
    load_seconds: float = Field(900, ge=10, le=24 * 3600)
    max_worker_memory: int = Field(0, ge=0, le=10_000_000)
    io_threads: int = Field(4, ge=1, le=64)
    max_attempts: int = Field(3, ge=1, le=10)
    queue_cap: int = Field(1000, ge=0, le=100_000)
    running_cap: int = Field(0, ge=0, le=10_000)
    warm_seconds: float = Field(10, ge=0, le=3600)
    lift_seconds: float = Field(600, ge=1, le=24 * 3600)

    prompt_max_length: int = Field(2000, ge=1, le=20_000)
    blocked_prompts_file: AbsolutePath | None = None
    upload_max_megapixels: int = Field(40, ge=1, le=500)
    upload_hours: float = Field(24, ge=0.01, le=24 * 366)
    orphan_hours: float = Field(24, ge=1, le=24 * 366)
    trash_days: int = Field(30, ge=0, le=3660)
    result_days: int = Field(0, ge=0, le=36600)
    quota_mb: int = Field(0, ge=0, le=1_000_000_000)
    fetch_images: bool = True
    answer_seconds: float = Field(60, ge=1, le=300)
    link_minutes: int = Field(60, ge=1, le=7 * 24 * 60)
    favorites_max: int = Field(10_000, ge=1, le=1_000_000)

    admins_see_content: bool = False
    metrics_token: SecretStr = SecretStr("")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @field_validator("cors_origins", "old_secret_keys", "provider_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("mail_from")
    @classmethod
    def _has_an_address(cls, value: str) -> str:
        if not value.isprintable() or not all(parseaddr(value)[1].partition("@")):
            raise ValueError("must be an address, such as Name <name@example.org>")
        return value

    @field_validator("heartbeat_seconds")
    @classmethod
    def _beats_before_the_lease_ends(cls, value: float, info: object) -> float:
        lease: float = getattr(info, "data", {}).get("lease_seconds", 15)
        if value * 2 > lease:
            raise ValueError("must be at most half of LEASE_SECONDS")
        return value

    @field_validator("web_watchers")
    @classmethod
    def _leaves_threads_for_others(cls, value: int, info: object) -> int:
        threads: int = getattr(info, "data", {}).get("web_threads", 16)
        if value >= threads:
            raise ValueError("must be less than WEB_THREADS")
        return value

    @field_validator("storage_url")
    @classmethod
    def _names_a_bucket(cls, value: str, info: object) -> str:
        if value and not BUCKET.fullmatch(value):
            raise ValueError("must be s3://bucket or s3://bucket/prefix, or empty for a folder")
        if value and getattr(info, "data", {}).get("accel_redirect"):
            raise ValueError("ACCEL_REDIRECT must be empty, for nginx cannot send what is in a bucket")
        return value

    @field_validator("s3_secret_key")
    @classmethod
    def _goes_with_an_access_key(cls, value: SecretStr, info: object) -> SecretStr:
        if bool(value) != bool(getattr(info, "data", {}).get("s3_access_key")):
            raise ValueError("must be set when S3_ACCESS_KEY is, and only then")
        return value

    @cached_property
    def database(self) -> str:
        """SQLAlchemy's url of the database; SQLite in the data folder unless DATABASE_URL is set."""
        url = self.database_url.get_secret_value()
        scheme, _, rest = url.partition("://")
        server, _, driver = scheme.partition("+")
        if server in {"mysql", "mariadb"}:
            return f"mysql+{driver or _mysql_driver()}://{rest}"
        return url or f"sqlite:///{self.data_dir / 'darkroom.db'}"

    @cached_property
    def broker_socket(self) -> Path:
        """Where the embedded broker listens; in the temporary folder when the data folder's path is too long."""
        path = self.data_dir / "run" / "broker.sock"
        if len(bytes(path)) < SOCKET_PATH_LIMIT:
            return path
        name = hashlib.sha256(bytes(self.data_dir)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"darkroom-{name}" / "broker.sock"

    @property
    def embeds_broker(self) -> bool:
        return not self.broker_url.get_secret_value()

    @cached_property
    def redis_url(self) -> str:
        """redis-py's url of the broker, which also keeps progress."""
        return self.broker_url.get_secret_value() or f"unix://{self.broker_socket}"

    @cached_property
    def celery_url(self) -> str:
        """Celery's url of the same broker: it names a unix socket differently."""
        return self.redis_url.replace("unix://", "redis+socket://", 1)


def _mysql_driver() -> str:
    """mysqlclient where it is installed: it is written in C, which makes polls cheaper."""
    return "mysqldb" if importlib.util.find_spec("MySQLdb") else "pymysql"


def load() -> Settings:
    """The settings of this process. Raises InvalidSettings naming each wrong variable, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
        raise InvalidSettings("; ".join(problems)) from None
