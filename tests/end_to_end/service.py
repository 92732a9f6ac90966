"""The real service, started by start.sh in a data folder of its own, and a client of its v1 contract."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from shared.settings import ROOT
from tests.servers import free_port

READY_SECONDS = 90
PASSWORD = "User@1234"
PROMPT = "a red circle on a white background"


class Service:
    """One run of `./start.sh`; `environment` is added to a bare one."""

    def __init__(self, data_dir: Path, port: int | None = None, **environment: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"{data_dir.name}.log"
        own = {"DATA_DIR": str(data_dir), "PORT": str(self.port), "SECRET_KEY": "s" * 40, "VENV_DIR": sys.prefix}
        own |= {"LIMITS": "false"}
        self.environment = {**os.environ, **own, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: str = "all") -> float:
        """Returns how many seconds passed until the service said that it is ready."""
        started = time.monotonic()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(ROOT / "start.sh"), command], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_for(lambda: f"Darkroom is ready: {self.url}" in self.said(), "the service to be ready", READY_SECONDS)
        return time.monotonic() - started

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    @property
    def root(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def processes(self) -> list[psutil.Process]:
        """start.sh and everything that it started."""
        return [self.root, *self.root.children(recursive=True)]

    def child(self, command: str) -> psutil.Process:
        """The first process below start.sh whose command line matches."""
        found = [p for p in self.root.children(recursive=True) if re.search(command, " ".join(p.cmdline()))]
        assert found, f"no process matches {command}"
        return found[0]

    def worker_child(self) -> psutil.Process:
        """The process that holds the device."""
        return next(p for p in self.child(r"-m worker$").children() if "spawn_main" in " ".join(p.cmdline()))

    def stop(self, number: int = signal.SIGTERM) -> list[psutil.Process]:
        """Ask it to end; returns the processes that are still there when start.sh has gone."""
        assert self._process is not None
        everything = self.processes()
        self._process.send_signal(number)
        self._process.wait(timeout=40)
        return living(everything, seconds=1)

    def kill(self) -> None:
        """kill -9 of start.sh alone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Whatever happened, leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self.stop()

    def wait_for(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := condition():
                return found
            assert self._process is None or self._process.poll() is None, f"start.sh ended:\n{self.said()}"
            time.sleep(0.02)
        raise TimeoutError(f"waited {seconds} s for {what}:\n{self.said()}")


def living(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that have not ended after so long; one that only waits for init to take note has ended."""
    deadline = time.monotonic() + seconds
    while (alive := [p for p in processes if _lives(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Client:
    """A user of the v1 contract."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.token = ""

    def sign_up(self, account: str = "alice") -> "Client":
        registration = {"account": account, "email": f"{account}@example.com", "password": PASSWORD}
        assert self.call("POST", "/api/v1/auth/register", registration)["code"] == 200
        return self.log_in(account)

    def log_in(self, account: str = "alice") -> "Client":
        answer = self.call("POST", "/api/v1/auth/login", {"account": account, "password": PASSWORD})
        self.token = answer["data"]["token"]
        return self

    def submit(self, prompt: str = PROMPT, *, image: str | None = None, **parameters: Any) -> str:
        kind = {"type": "i2i", "image": image} if image else {"type": "t2i"}
        body = {**kind, "prompt": prompt, "parameters": parameters}
        task: str = self.call("POST", "/api/v1/generation", body)["data"]["task_id"]
        return task

    def upload(self, data: bytes, media_type: str) -> dict[str, Any]:
        headers = {"Content-Type": media_type, "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self._service.url}/api/v1/upload", data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)["data"]
            return found

    def events(self, path: str, last_id: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """The id and the task of each event of a stream, until the stream ends."""
        headers = {"Authorization": f"Bearer {self.token}", "Last-Event-ID": last_id}
        request = urllib.request.Request(f"{self._service.url}/api/v1/{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            event_id = ""
            for line in response:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    event_id = value
                if name == "data":
                    yield event_id, json.loads(value)

    def poll(self, task: str) -> dict[str, Any]:
        data: dict[str, Any] = self.call("GET", f"/api/v1/generation/{task}")["data"]
        return data

    def until(self, task: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 90) -> dict[str, Any]:
        """Poll until the condition holds; returns the task as it is then."""
        found: dict[str, Any] = self._service.wait_for(
            lambda: (data := self.poll(task)) and condition(data) and data, f"task {task}", seconds
        )
        return found

    def result(self, task: str, seconds: float = 90) -> dict[str, Any]:
        """The task when it has ended; it must have ended well."""
        ended = self.until(task, lambda data: data["status"] != "processing", seconds)
        assert ended["status"] == "completed", ended
        return ended

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self.fetch(path, method, body))

    def fetch(self, path: str, method: str = "GET", body: Any = None) -> bytes:
        """The body of the answer, whatever its status."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._service.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                content: bytes = response.read()
        except urllib.error.HTTPError as error:
            with error:
                content = error.read()
        return content
