"""Waiting for tasks to change: for one answer, or for a stream of them.

Whoever waits holds no database connection meanwhile. Where no place to wait is left, the answer comes at once: a client
that asks again loses time, never a change.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from backend.services.generation import Generation
from backend.services.tasks import Tasks
from backend.services.tokens import TokenClaims
from backend.watch import OVERLAP, Listener, Watch, user_key
from shared.errors import GenerationFailed
from shared.lifecycle import Status

TICK_SECONDS = 5.0  # what nobody announces, such as a place in the queue, is looked at so often
STREAM_SECONDS = 300.0  # then the client comes again, and its token is looked at again
SCAN = 1000


@dataclass(frozen=True)
class Event:
    """A task as it stands now, and the id from which a stream goes on after it; no task only says "still here"."""

    id: str
    task: Generation | None


class Waiting:
    """Waits on behalf of one request."""

    def __init__(self, tasks: Tasks, watch: Watch) -> None:
        self._tasks = tasks
        self._watch = watch

    def until_changed(
        self, claims: TokenClaims, public_id: str, known: Callable[[], Collection[str]], seconds: float
    ) -> Generation:
        """The task as soon as its revision is none of the `known()` ones (or another than now, when none is known).

        It comes as it is when it has ended, when the time is over, or when no place is left.

        Raises NotFound, TokenRevoked.
        """
        if not seconds:
            return self._tasks.find_claimed(claims, public_id, known)
        revisions = set(known())

        def changed(found: Generation) -> bool:
            revisions.update(() if revisions else {found.revision})
            return found.ended or found.revision not in revisions

        return self._until(changed, lambda: self._tasks.find_claimed(claims, public_id), public_id, seconds)

    def until_ended(self, user_id: int, public_id: str, seconds: float) -> Generation:
        """The task once it is completed; as it is when the time is over, or when no place is left.

        Raises GenerationFailed when it has failed or was cancelled, NotFound.
        """
        found = self._until(lambda found: found.ended, lambda: self._tasks.find(user_id, public_id), public_id, seconds)
        if found.ended and found.status is not Status.COMPLETED:
            raise GenerationFailed(found.error_code or "task_cancelled")
        return found

    def task_events(self, user_id: int, public_id: str, last_id: str | None) -> Iterator[Event]:
        """The task now, unless `last_id` is its revision, and whenever it changes, until it has ended.

        Nothing at all when it had ended by `last_id`. Raises NotFound.
        """
        with self._watch.listen(public_id) as listener:
            for _ in self._rounds(listener):
                found = self._tasks.find(user_id, public_id)
                if found.revision != last_id:
                    yield Event(found.revision, found)
                if found.ended:
                    return
                last_id = found.revision
                yield Event(last_id, None)

    def user_events(self, user_id: int, last_id: str | None) -> Iterator[Event]:
        """The user's tasks that have changed since `last_id`, else those that have not ended; then every change."""
        told: dict[str, str] = {}
        with self._watch.listen(user_key(user_id)) as listener:
            since = _moment(last_id) or self._tasks.latest_change(user_id)
            news = [] if last_id else self._tasks.unfinished(user_id, SCAN)
            for woken in self._rounds(listener):
                changed = self._tasks.changed_since(user_id, since - OVERLAP, SCAN)
                since = max([since, *(task.updated_at for task in changed)])
                running = self._tasks.find_all(user_id, sorted(woken)).values()
                yield from _news([*news, *changed, *running], told, _stamp(since))
                yield Event(_stamp(since), None)
                if listener:
                    listener.keys = {user_key(user_id), *told}

    def _until(
        self, enough: Callable[[Generation], bool], find: Callable[[], Generation], public_id: str, seconds: float
    ) -> Generation:
        if not seconds:
            return find()
        deadline = time.monotonic() + seconds
        with self._watch.listen(public_id) as listener:
            found = find()
            while not enough(found) and listener and not self._watch.closed:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                listener.wait(min(left, TICK_SECONDS))
                found = find()
        return found

    def _rounds(self, listener: Listener | None) -> Iterator[set[str]]:
        """One at once, then one whenever something was heard or a tick has passed; without a listener no other."""
        ends = time.monotonic() + STREAM_SECONDS
        yield set()
        while listener and time.monotonic() < ends and not self._watch.closed:
            yield {key for key in listener.wait(TICK_SECONDS) if not key.startswith("user:")}


def _news(tasks: Iterable[Generation], told: dict[str, str], stamp: str) -> Iterator[Event]:
    """What has not been told yet; `told` keeps the revision of each task that was."""
    for task in tasks:
        if told.get(task.public_id) != task.revision:
            told[task.public_id] = task.revision
            yield Event(stamp, task)


def _stamp(moment: datetime) -> str:
    return str(int(moment.timestamp() * 1_000_000))


def _moment(event_id: str | None) -> datetime | None:
    """None for what is no id of ours."""
    if not event_id or not (event_id.isascii() and event_id.isdigit() and len(event_id) < 17):
        return None
    return datetime.fromtimestamp(int(event_id) / 1_000_000, UTC)
