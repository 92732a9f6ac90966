"""What the tests' own servers have in common."""

import socketserver
import threading
from typing import Any, Self


class Background(socketserver.ThreadingTCPServer):
    """Serves on a port of its own while a block runs; `closing` is set at the end of that."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, visitor: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), visitor)
        self.closing = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"http://{self.place}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Visitors go whenever they like."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
