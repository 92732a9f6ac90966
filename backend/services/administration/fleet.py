"""The workers, and that one of them is to take no more tasks."""

from backend.services.administration.audit import Action, Actor, Audit
from shared.errors import NotFound
from shared.workers import Seen, Workers


class Fleet:
    """All workers that are known."""

    def __init__(self, workers: Workers, audit: Audit) -> None:
        self._workers = workers
        self._audit = audit

    def all(self) -> list[Seen]:
        return self._workers.all()

    def drain(self, actor: Actor, name: str) -> int:
        """Those of this name finish what they have and take no more; returns how many. Raises NotFound."""
        return self._ask(actor, Action.DRAIN, name, wanted=True)

    def resume(self, actor: Actor, name: str) -> int:
        """They take tasks again. Raises NotFound."""
        return self._ask(actor, Action.RESUME, name, wanted=False)

    def _ask(self, actor: Actor, action: Action, name: str, *, wanted: bool) -> int:
        if not self._workers.named(name):
            raise NotFound(name)
        with self._audit.acting(actor, action, name):
            return self._workers.drain(name, wanted)
