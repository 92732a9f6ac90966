"""A user's take-out: a zip of everything that the service keeps for them, with a manifest that says what it is."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import structlog

from backend.reads import Reads
from backend.services.profiles import Profiles
from backend.services.provider_keys import ProviderKeys
from backend.services.quotas import Quotas
from backend.services.takeout_contents import Contents
from backend.services.takeout_turns import TakeOutTurns
from shared.storage import Storage

log = structlog.get_logger(__name__)


class TakeOut:
    """One that is being sent; if not all of it is taken, `close` has to be called."""

    def __init__(self, pieces: Generator[bytes, None, None], renew: Callable[[], None], held: ExitStack) -> None:
        self._pieces = pieces
        self._renew = renew
        self._held = held

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self._pieces:
                self._renew()
                if piece:
                    yield piece
        except Exception as error:  # half a zip cannot be opened, and that is how the client hears of it
            log.error("takeout_failed", exc_info=error)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Let go what it holds."""
        self._pieces.close()
        self._held.close()


class TakeOuts:
    """For all users. What is sent is read piece by piece, without a database connection while the client takes it."""

    def __init__(
        self,
        reads: Reads,
        storage: Storage,
        profiles: Profiles,
        quotas: Quotas,
        provider_keys: ProviderKeys,
        turns: TakeOutTurns,
        trash_days: float,
    ) -> None:
        self._reads = reads
        self._storage = storage
        self._profiles = profiles
        self._quotas = quotas
        self._provider_keys = provider_keys
        self._turns = turns
        self._trash_days = trash_days

    def begin(self, user_id: int) -> TakeOut:
        """Raises TakeoutRunning, and Unavailable while too many others fetch theirs."""
        with ExitStack() as held:
            renew = held.enter_context(self._turns.turn(user_id))
            profile, usage = self._profiles.find(user_id), self._quotas.usage(user_id)
            keys = self._provider_keys.all(user_id)
            contents = Contents(self._reads, self._storage, self._trash_days, profile, usage, keys)
            held.callback(contents.close)
            return TakeOut(contents.pieces(), renew, held.pop_all())
