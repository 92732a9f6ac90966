"""The line a person waits for."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from shared.launch import readiness
from shared.launch.readiness import PATIENCE, Announcement, Answer
from tests.servers import free_port

READY = Answer({})
NO_WORKER = Answer({"worker": "none is alive"})


@contextmanager
def web_tier(status: int, body: bytes) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server.server_port
        thread.join()


def announcement(
    *answers: Answer, without_worker: bool = False, clock: Callable[[], float] = lambda: 0.0
) -> Announcement:
    following = iter(answers)
    return Announcement("http://127.0.0.1:8000", lambda: next(following), without_worker, clock)


def test_200_is_ready() -> None:
    with web_tier(200, b"{}") as port:
        assert readiness.ask("127.0.0.1", port).is_ready


def test_503_names_the_checks_that_fail() -> None:
    body = json.dumps({"status": "unavailable", "checks": {"database": "ok", "broker": "no answer"}}).encode()

    with web_tier(503, body) as port:
        assert readiness.ask("127.0.0.1", port).missing == {"broker": "no answer"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"checks": {}}', b'{"checks": null}'])
def test_503_without_a_reason_is_still_not_ready(body: bytes) -> None:
    with web_tier(503, body) as port:
        assert not readiness.ask("127.0.0.1", port).is_ready


def test_a_web_tier_that_does_not_answer_is_not_ready() -> None:
    assert not readiness.ask("127.0.0.1", free_port()).is_ready


def test_ready_is_said_with_the_url(capsys: pytest.CaptureFixture[str]) -> None:
    assert announcement(READY).is_made()
    assert capsys.readouterr().out == "start: Darkroom is ready: http://127.0.0.1:8000  (docs: /docs)\n"


def test_the_web_tier_alone_does_not_wait_for_a_worker(capsys: pytest.CaptureFixture[str]) -> None:
    assert announcement(NO_WORKER, without_worker=True).is_made()
    assert "no worker yet" in capsys.readouterr().out


def test_with_a_worker_of_its_own_it_waits_for_that(capsys: pytest.CaptureFixture[str]) -> None:
    assert not announcement(NO_WORKER).is_made()
    assert capsys.readouterr().out == ""


def test_when_it_takes_long_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([0.0, PATIENCE, PATIENCE])

    announcement(NO_WORKER, clock=lambda: next(times)).is_made()

    assert capsys.readouterr().out == "start: waiting for worker (none is alive)\n"
