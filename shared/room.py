"""How many do a thing at the same time in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import Unavailable


class Room:
    """So many `places`; who has waited `patience` seconds for one is to come again later."""

    def __init__(self, places: int, patience: float) -> None:
        self._places = threading.BoundedSemaphore(places)
        self._patience = patience

    @contextmanager
    def place(self) -> Iterator[None]:
        """Takes a place for as long as the block runs. Raises Unavailable."""
        if not self._places.acquire(timeout=self._patience):
            raise Unavailable("no place has come free")
        try:
            yield
        finally:
            self._places.release()
