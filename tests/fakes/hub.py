"""A hub of models, as far as single files of it are asked for, on this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub:
    """`files` are by "owner/name/path"; `asked` are the paths that were asked for."""

    def __init__(self, url: str, files: Mapping[str, str]) -> None:
        self.url = url
        self.files = files
        self.asked: list[str] = []


@contextmanager
def fake_hub(files: Mapping[str, str]) -> Iterator[FakeHub]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self.wfile.write(self._answer())

        def _answer(self) -> bytes:
            owner, name, _, _, path = self.path.strip("/").split("/", 4)
            hub.asked.append(f"{owner}/{name}/{path}")
            content = files.get(hub.asked[-1])
            body = (content or "").encode()
            self.send_response(200 if content else 404)
            if content is None:
                known = any(file.startswith(f"{owner}/{name}/") for file in files)
                self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{abs(hash(content)):040x}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            return body

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub = FakeHub(f"http://127.0.0.1:{server.server_port}", files)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
