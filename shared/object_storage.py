"""Files as objects of a bucket, in S3 or what speaks its language. Their keys are the paths that a folder would have.

Objects are written whole, by one request each, and never with an ACL: who may see them is the bucket's business, which
trusts nobody but this service, and for a while whoever has a link that the service has signed.
"""

import base64
import errno
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO

import s3fs
from botocore.exceptions import BotoCoreError
from fsspec.exceptions import FSTimeoutError

from shared.errors import NotFound
from shared.settings import Settings
from shared.storage import Headers, Stored, parts_of

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0  # without a byte
CALL_SECONDS = 120.0  # with all of its attempts
PROBE_SECONDS = 5.0  # somebody waits to hear whether the service is ready
ATTEMPTS = 2  # of s3fs, and of botocore in each of them: the first sees bodies break off, the second hears "slow down"
BLOCK_BYTES = 1 << 20  # read at a time
PAGE = 1000  # entries of a listing; a server sends no more at once


class S3Storage:
    """A bucket, or what lies under a prefix in one."""

    def __init__(self, settings: Settings) -> None:
        self._bucket, _, prefix = settings.storage_url.removeprefix("s3://").strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._link_seconds = settings.link_minutes * 60 if settings.s3_redirect else 0
        self._inside = _Connection(settings, settings.s3_endpoint_url)
        self._outside = _Connection(settings, settings.s3_public_url) if settings.s3_public_url else self._inside

    def save(self, key: str, data: bytes) -> None:
        digest = hashlib.md5(data, usedforsecurity=False).digest()  # what every S3 compares with what has arrived
        self._ask("put_object", Key=self._name(key), Body=data, ContentMD5=base64.b64encode(digest).decode())

    def open(self, key: str) -> BinaryIO:
        part = partial(self._inside.call, "cat_file", f"{self._bucket}/{self._name(key)}")
        return io.BufferedReader(_Object(part, self.size(key)), BLOCK_BYTES)

    def size(self, key: str) -> int:
        try:
            return int(self._ask("head_object", Key=self._name(key))["ContentLength"])
        except FileNotFoundError as error:
            self._ask("head_bucket")  # raises if that is what is not there: to a HEAD the server cannot say which
            raise NotFound(key) from error

    def link(self, key: str, headers: Headers) -> str | None:
        if not self._link_seconds:
            return None
        shown: dict[str, Any] = {
            "ResponseContentType": headers.content_type,
            "ResponseContentDisposition": headers.content_disposition,
            "ResponseCacheControl": headers.cache_control,
        }
        path = f"{self._bucket}/{self._name(key)}"
        return str(self._outside.call("url", path, expires=self._link_seconds, **shown))

    def delete(self, key: str) -> None:
        self._ask("delete_object", Key=self._name(key))

    def folders(self) -> list[str]:
        return sorted(folder for kind in self._within("") for folder in self._within(f"{kind}/"))

    def files(self, folder: str) -> Iterator[Stored]:
        for page in self._pages(f"{folder}/"):
            for found in page.get("Contents", ()):
                key = found["Key"].removeprefix(self._prefix)
                if not key.endswith("/"):  # else it is what some programs make for an empty folder
                    yield Stored(key, found["Size"], found["LastModified"].timestamp())

    def probe(self) -> None:
        self._ask("put_object", seconds=PROBE_SECONDS, Key=f"{self._prefix}.probe", Body=b"")

    def _within(self, folder: str) -> Iterator[str]:
        for page in self._pages(folder):
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"].removeprefix(self._prefix).rstrip("/")

    def _pages(self, folder: str) -> Iterator[dict[str, Any]]:
        """What lies in it, but not in the folders in it, a page at a time."""
        asked: dict[str, Any] = {"Prefix": self._prefix + folder, "Delimiter": "/", "MaxKeys": PAGE}
        while True:
            page = self._ask("list_objects_v2", **asked)
            yield page
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def _ask(self, operation: str, *, seconds: float = CALL_SECONDS, **parameters: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._inside.call(
            "call_s3", operation, seconds=seconds, Bucket=self._bucket, **parameters
        )
        return answer

    def _name(self, key: str) -> str:
        return self._prefix + "/".join(parts_of(key))


class _Connection:
    """s3fs as this service wants it: nothing remembered of listings, every wait bounded, every failure an OSError."""

    def __init__(self, settings: Settings, endpoint: str) -> None:
        self._options = {
            "endpoint_url": endpoint or None,
            "key": settings.s3_access_key.get_secret_value() or None,
            "secret": settings.s3_secret_key.get_secret_value() or None,
            "client_kwargs": {"region_name": settings.s3_region} if settings.s3_region else {},
            "config_kwargs": {
                "connect_timeout": CONNECT_SECONDS,
                "read_timeout": READ_SECONDS,
                "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
                "signature_version": "s3v4",
                "s3": {"addressing_style": settings.s3_addressing},
                "request_checksum_calculation": "when_required",  # newer ones than MD5 are beyond most but AWS
                "response_checksum_validation": "when_required",
            },
            "use_listings_cache": False,
            "skip_instance_cache": True,
        }
        self._of_process: dict[int, s3fs.S3FileSystem] = {}

    def call(self, method: str, /, *arguments: Any, seconds: float = CALL_SECONDS, **named: Any) -> Any:
        """What this method of the file system returns. Raises OSError; FileNotFoundError where the server says so."""
        try:
            return getattr(self._files(), method)(*arguments, timeout=seconds, **named)
        except FSTimeoutError as error:
            raise OSError(errno.ETIMEDOUT, f"no answer within {seconds:g} seconds") from error
        except BotoCoreError as error:  # nobody has answered, or there is nothing to sign a request with
            raise OSError(errno.EIO, str(error)) from error

    def _files(self) -> s3fs.S3FileSystem:
        """One for each process: the thread in which it works does not survive a fork."""
        process = os.getpid()
        if process not in self._of_process:
            made = s3fs.S3FileSystem(**self._options)
            made.retries = ATTEMPTS
            self._of_process.setdefault(process, made)
        return self._of_process[process]


class _Object(io.RawIOBase):
    """An object's bytes, fetched in parts as they are read."""

    def __init__(self, part: Callable[..., bytes], size: int) -> None:
        """`part` fetches the bytes from `start` to before `end`."""
        self._part = part
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        return self._take(self._size)

    def _take(self, count: int) -> bytes:
        end = min(self._at + count, self._size)
        if self._at >= end:
            return b""
        data = self._part(start=self._at, end=end)
        self._at += len(data)
        return data
