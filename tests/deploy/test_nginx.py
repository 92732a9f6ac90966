"""nginx itself, with the configuration of deploy/nginx, before a web tier of the tests."""

import http.client
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from shared.settings import ROOT, Settings
from tests.servers import free_port, until
from tests.site import trusted_by

FOLDER = ROOT / "deploy" / "nginx"
PATH = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
PICTURE = b"a picture" * 100
MEGABYTE = 1_000_000


class WebTier(ThreadingHTTPServer):
    """Remembers the heads of what it was asked; a stream's second event waits until the first was read."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.heard: list[dict[str, str]] = []
        self.first_was_read = threading.Event()


class _Answer(BaseHTTPRequestHandler):
    server: WebTier
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.heard.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(200)
        if self.path == "/events":
            self._stream()
            return
        if self.path.startswith("/generated_outputs/"):
            self.send_header("X-Accel-Redirect", "/_files/results/aa/x.png")
            self.send_header("Content-Type", "image/png")
            self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def _stream(self) -> None:
        for name, value in {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: 1\n\n")
        self.wfile.flush()
        if self.server.first_was_read.wait(10):
            self.wfile.write(b"data: 2\n\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Nginx:
    """The proxy; its places are those of a test instead of a container's."""

    def __init__(self, folder: Path, upstream: int, server: str = "http.conf") -> None:
        self.folder = folder
        self.port = free_port()
        places = {
            "/tmp/": f"{folder}/",  # noqa: S108 - the container's; first, for the test's folder is in such a one
            "/etc/nginx/mime.types": "/dev/null",
            "/etc/nginx/": f"{folder}/",
            "/data/files/": f"{folder}/files/",
            "/tls/": f"{folder}/",
            "/dev/stdout": f"{folder}/access.log",
            "/dev/stderr": f"{folder}/error.log",
            "web:8000": f"127.0.0.1:{upstream}",
            "listen 8080": f"listen 127.0.0.1:{self.port}",
            "listen 8443": f"listen 127.0.0.1:{free_port()}",
        }
        for name, copy in {"nginx.conf": "nginx.conf", "darkroom.conf": "darkroom.conf", server: "server.conf"}.items():
            text = (FOLDER / name).read_text("utf-8")
            for place, instead in places.items():
                text = text.replace(place, instead)
            (folder / copy).write_text(text.replace("worker_processes 4", "worker_processes 1"), "utf-8")
        (folder / "files" / "results" / "aa").mkdir(parents=True)
        (folder / "files" / "results" / "aa" / "x.png").write_bytes(PICTURE)

    def command(self, *more: str) -> list[str]:
        directives = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
        return ["nginx", "-g", directives, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *more]

    def ask(self, path: str, body: bytes = b"", **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST" if body else "GET", path, body or None, named)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response, data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("nginx", path=PATH) is None:
        if os.environ.get("CI") == "true":
            pytest.fail("not installed: nginx")
        pytest.skip("not installed: nginx")
    return tmp_path_factory.mktemp("nginx")


@pytest.fixture(scope="module")
def web() -> Iterator[WebTier]:
    with WebTier() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def nginx(folder: Path, web: WebTier) -> Iterator[Nginx]:
    proxy = Nginx(folder, web.server_port)
    process = subprocess.Popen(proxy.command(), env={**os.environ, "PATH": PATH}, stderr=subprocess.DEVNULL)
    until(lambda: proxy.ask("/healthz"), "nginx", 10)
    yield proxy
    process.terminate()
    process.wait()


def test_a_file_that_the_web_tier_hands_over_is_sent(nginx: Nginx) -> None:
    response, data = nginx.ask("/generated_outputs/x.png", Range="bytes=2-8")

    assert (response.status, data) == (206, b"picture")
    assert (response.headers["Content-Type"], response.headers["ETag"]) == ("image/png", '"1"')


def test_files_cannot_be_asked_for_past_the_web_tier(nginx: Nginx) -> None:
    assert nginx.ask("/_files/results/aa/x.png")[0].status == 404


def test_what_is_inside_is_not_told(nginx: Nginx) -> None:
    assert nginx.ask("/readyz")[0].status == 404


def test_an_event_arrives_before_the_next_one_is_there(nginx: Nginx, web: WebTier) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    connection.request("GET", "/events")
    stream = connection.getresponse()

    first = stream.readline()
    web.first_was_read.set()

    assert (first, stream.read()) == (b"data: 1\n", b"\ndata: 2\n\n")
    connection.close()


@pytest.mark.parametrize(("megabytes", "status"), [(20, 200), (23, 413)])
def test_pictures_of_20_megabytes_may_be_uploaded(nginx: Nginx, megabytes: int, status: int) -> None:
    try:
        answered = nginx.ask("/api/v1/upload", b"x" * megabytes * MEGABYTE)[0].status
    except (BrokenPipeError, ConnectionResetError):  # it has answered and hung up before all was sent
        answered = 413

    assert answered == status


def test_the_web_tier_hears_who_asks_by_which_way_and_under_which_name(nginx: Nginx, web: WebTier) -> None:
    nginx.ask("/", X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https", X_Request_ID="first", Host="art.lan:81")

    heard = web.heard[-1]
    assert heard["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert heard["x-forwarded-proto"] == "https, http"
    assert (heard["host"], heard["x-request-id"]) == ("art.lan:81", "first")


@pytest.mark.parametrize("name", ["", "a b", 'a"b', "x" * 65])
def test_a_request_without_a_good_name_gets_one(nginx: Nginx, web: WebTier, name: str) -> None:
    nginx.ask("/", X_Request_ID=name)

    assert len(web.heard[-1]["x-request-id"]) == 32


def test_the_log_has_no_signatures_in_it(nginx: Nginx, folder: Path) -> None:
    nginx.ask("/generated_outputs/x.png?expires=1&signature=s3cret", X_Request_ID="signed")

    log = folder / "access.log"
    until(lambda: '"signed"' in log.read_text("utf-8"), "the line", 10)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    (said,) = [line for line in lines if line["request_id"] == "signed"]
    assert (said["path"], said["status"], said["client"]) == ("/generated_outputs/x.png", 200, "127.0.0.1")
    assert "s3cret" not in log.read_text("utf-8") + (folder / "error.log").read_text("utf-8")


def test_the_server_with_tls_is_one_too(folder: Path, web: WebTier, tmp_path: Path) -> None:
    trusted_by(tmp_path, "localhost")
    for name in ("fullchain.pem", "privkey.pem"):
        shutil.copy(tmp_path / "localhost.pem", tmp_path / name)
    proxy = Nginx(tmp_path, web.server_port, "https.conf")
    server = tmp_path / "server.conf"
    server.write_text(server.read_text("utf-8").replace("http2 on;", ""), "utf-8")  # not known to nginx before 1.25.1

    checked = subprocess.run(
        proxy.command("-t"), env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr


def test_it_waits_longer_than_any_provider_may_take() -> None:
    (line,) = [line for line in (FOLDER / "darkroom.conf").read_text("utf-8").splitlines() if "read_timeout" in line]
    (most,) = [rule.le for rule in Settings.model_fields["provider_seconds"].metadata if hasattr(rule, "le")]

    assert int(line.split()[1].split("s;")[0]) > most
