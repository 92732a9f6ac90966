"""Pictures from a user's own provider: the engine of the tasks that compute elsewhere."""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from sqlalchemy import Engine, Row, select

from shared.claims import Claim
from shared.errors import ProviderFailed
from shared.generation import Shape
from shared.models import ProviderKey
from shared.vault import Undecryptable, Vault
from worker.errors import ProviderError
from worker.media import ReceivedPicture

LOOK_SECONDS = 0.5


class Painter(Protocol):
    """A provider as it is asked for pictures."""

    def images(self, prompt: str, count: int, width: int, height: int) -> list[bytes]: ...


class ProviderGenerator:
    """Asks the provider that a task names, with its user's key; the key is decrypted for the call and kept nowhere."""

    def __init__(self, engine: Engine, vault: Vault, painter: Callable[[str, str, str], Painter]) -> None:
        """`painter` is given the base url, the key and the model."""
        self._engine = engine
        self._vault = vault
        self._painter = painter

    @property
    def loaded(self) -> tuple[str, ...]:
        return ()

    def batch_limit(self, shape: Shape) -> int:
        return 1

    def generate(self, claimed: Sequence[Claim], on_step: Callable[[int, int], None]) -> list[list[ReceivedPicture]]:
        """The pictures of one claim, each as it came.

        `on_step` is called again and again while the provider works and may raise to stop: the call then goes on by
        itself until its own deadline, and what it brings is thrown away. Raises ProviderError.
        """
        [claim] = claimed
        count = claim.parameters.num_images
        answers: SimpleQueue[list[bytes] | Exception] = SimpleQueue()
        on_step(0, count)  # what is not wanted any more is neither sent nor paid for
        threading.Thread(target=lambda: answers.put(self._asked(claim)), name="provider", daemon=True).start()
        while True:
            try:
                answer = answers.get(timeout=LOOK_SECONDS)
                break
            except Empty:
                on_step(0, count)
        pictures = _pictures(claim, answer)
        on_step(count, count)
        return [pictures]

    def _asked(self, claim: Claim) -> list[bytes] | Exception:
        """What came of it; an error is told to the thread that waits."""
        try:
            parameters = claim.parameters
            painter = self._painter_of(claim)
            return painter.images(claim.prompt, parameters.num_images, parameters.width, parameters.height)
        except Exception as error:  # the edge of this thread
            return error

    def _painter_of(self, claim: Claim) -> Painter:
        row = self._row(claim)
        if row is None:
            raise ProviderError(claim.parameters.model, "provider_gone")
        try:
            key = self._vault.decrypt(row.encrypted_key)
        except Undecryptable as error:
            raise ProviderError(claim.parameters.model, "provider_key_unreadable") from error
        return self._painter(row.base_url, key, claim.parameters.model)

    def _row(self, claim: Claim) -> Row[str, str] | None:
        named = (ProviderKey.user_id == claim.user_id, ProviderKey.api_name == claim.parameters.provider)
        with self._engine.connect() as connection:
            return connection.execute(
                select(ProviderKey.base_url, ProviderKey.encrypted_key).where(*named)
            ).one_or_none()


def _pictures(claim: Claim, answer: list[bytes] | Exception) -> list[ReceivedPicture]:
    """Raises ProviderError, also for fewer pictures than were asked for and for what cannot be decoded."""
    if isinstance(answer, ProviderFailed):
        raise ProviderError(claim.parameters.model, answer.reason) from answer
    if isinstance(answer, Exception):
        raise answer
    if len(answer) != claim.parameters.num_images:
        raise ProviderError(claim.parameters.model, "provider_garbage")
    try:
        return [ReceivedPicture.of(data) for data in answer]
    except OSError as error:
        raise ProviderError(claim.parameters.model, "provider_garbage") from error
