"""What must be true when a run is over, seen from outside: in the database, in the files, through the API."""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from PIL import Image
from sqlalchemy import Row, select

from shared.errors import NotFound
from shared.kept import KeptFiles, entries
from shared.lifecycle import ENDED
from shared.models import Favorite, Task, User
from shared.storage import Stored
from tests.chaos.caller import Caller
from tests.chaos.journal import Journal
from tests.chaos.site import Site
from worker.sweep import Sweep

CLAIMS_AT_ONCE = 8  # so many a worker may be storing when it dies

COLUMNS = (Task.public_id, Task.status, Task.fence, Task.attempt, Task.results, Task.has_result, Task.error_code)
MORE = (Task.worker_id, Task.lease_until, Task.cancel_requested, Task.favorite, Task.deleted_at, User.account)


class Inspection:
    """Everything that was promised; each check yields what is not so."""

    def __init__(
        self, site: Site, callers: Sequence[Caller], journals: dict[str, Journal], excused: set[str], deaths: int = 0
    ) -> None:
        """`excused` are the error codes that a task may end with, as what was done to the service explains them.

        `deaths` is how often a worker, or all of them their database, was killed.
        """
        self._site = site
        self._callers = callers
        self._journals = journals
        self._excused = excused
        self._deaths = deaths
        with site.engine.connect() as connection:
            joined = select(*COLUMNS, *MORE).join(User, User.id == Task.user_id)
            self.rows = {row.public_id: row for row in connection.execute(joined)}
        self._known = {task: row for task, row in self.rows.items() if task in journals}

    def violations(self) -> list[str]:
        """In words; none is how it should be."""
        checks: tuple[Callable[[], Iterator[str]], ...] = (
            self._every_accepted_task_ended,
            self._nothing_was_done_that_nobody_asked_for,
            self._failures_are_explained,
            self._results_are_one_set_of_whole_pictures,
            self._files_have_rows,
            self._polls_went_forward,
            self._histories_agree,
            self._favourites_agree,
        )
        return [violation for check in checks for violation in check()]

    def _every_accepted_task_ended(self) -> Iterator[str]:
        for task, journal in self._journals.items():
            row = self.rows.get(task)
            if row is None:
                yield f"{task} was accepted and is lost"
            elif row.status not in ENDED:
                yield f"{task} has not ended: {row.status}, attempt {row.attempt}"
            elif row.worker_id or row.lease_until:
                yield f"{task} has ended and is still leased"
            elif journal.ended and journal.state != row.status:
                yield f"{task} is {row.status}, its user was told {journal.state}"

    def _nothing_was_done_that_nobody_asked_for(self) -> Iterator[str]:
        for task in self.rows.keys() - self._journals.keys():
            yield f"{task} was made by a submit whose key was used for another task"

    def _failures_are_explained(self) -> Iterator[str]:
        for task, row in self._known.items():
            if row.status == "failed" and row.error_code not in self._excused:
                yield f"{task} failed with {row.error_code}"
            if row.status == "cancelled" and not self._journals[task].cancelled:
                yield f"{task} is cancelled and nobody asked for that"

    def _results_are_one_set_of_whole_pictures(self) -> Iterator[str]:
        for task, row in self._known.items():
            wanted = self._journals[task].images if row.status == "completed" else 0
            found = row.results or []
            if len(found) != wanted or row.has_result != bool(wanted):
                yield f"{task} is {row.status} and has {len(found)} results instead of {wanted}"
            if {entry["key"].split(".")[1] for entry in entries(found)} - {str(row.fence)}:
                yield f"{task} has files of a claim that was not the last"
            for entry in entries(found):
                yield from self._broken(task, entry)

    def _broken(self, task: str, entry: Any) -> Iterator[str]:
        try:
            with self._site.storage.open(entry["key"]) as stream:
                data = stream.read()
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                size = image.size
        except (NotFound, OSError) as error:
            yield f"{task} is completed and {entry['key']} is not there or no picture: {error!r}"
            return
        if (hashlib.sha256(data).hexdigest(), *size) != (entry["sha256"], entry["width"], entry["height"]):
            yield f"{entry['key']} is not what its row says"

    def _files_have_rows(self) -> Iterator[str]:
        """Only who dies between file and row leaves files; the sweep removes them, and the doctor misses none then."""
        left = {file.key.rpartition("/")[2].rsplit(".", 2)[0] for file in self._unknown()}
        if len(left) > self._deaths * CLAIMS_AT_ONCE:
            yield f"files of {len(left)} claims have no row, after {self._deaths} deaths: {', '.join(sorted(left)[:5])}"
        sweep = Sweep(self._site.storage, KeptFiles(self._site.engine, hours=0))
        for _ in self._site.storage.folders():
            sweep.advance()
        yield from (f"{file.key} has no row and the sweep leaves it" for file in self._unknown())

    def left_over(self) -> int:
        """How many files the sweep will remove."""
        return sum(1 for _ in self._unknown())

    def _unknown(self) -> Iterator[Stored]:
        kept, storage = KeptFiles(self._site.engine, hours=0), self._site.storage
        return (file for folder in storage.folders() for file in kept.unknown(storage.files(folder)))

    def _polls_went_forward(self) -> Iterator[str]:
        """A worker that is asked to end gives its tasks back, and such an attempt does not count: it begins anew."""
        for task, journal in self._journals.items():
            row = self.rows.get(task)
            back = journal.backward()
            if row is not None and len(back) > row.fence - row.attempt:
                yield f"{task} went back {len(back)} times, was given back {row.fence - row.attempt} times: {back[0]}"
            if set(journal.afterlife()) - {journal.state}:
                yield f"{task} had ended and then was {', '.join(journal.afterlife())}"

    def _histories_agree(self) -> Iterator[str]:
        for caller in self._callers:
            own = [row for row in self.rows.values() if row.account == caller.account and row.deleted_at is None]
            yield from _history_of(caller, own)

    def _favourites_agree(self) -> Iterator[str]:
        with self._site.engine.connect() as connection:
            query = select(Task.public_id).join(Favorite, Favorite.task_id == Task.id)
            kept = set(connection.scalars(query))
        for task, row in self._known.items():
            if row.favorite != (task in kept):
                yield f"{task} says favourite={row.favorite} and the tree says {task in kept}"
            if self._journals[task].favourite and row.deleted_at is None and task not in kept:
                yield f"{task} was made a favourite and is none"


def _history_of(caller: Caller, own: Sequence[Row[Any]]) -> Iterator[str]:
    listed = caller.call("GET", "/api/v1/user/generation_list").data
    if {record["task_id"]: record["state"] for record in listed} != {row.public_id: row.status for row in own}:
        yield f"{caller.account}'s history is not what their rows say"
    completed = sum(row.status == "completed" for row in own)
    for query, count in {"": len(own), "&status=completed": completed, "&status=failed": len(own) - completed}.items():
        total = caller.call("GET", f"/api/v1/images/history?per_page=1{query}").data["pagination"]["total"]
        if total != count:
            yield f"{caller.account}'s history counts {total} tasks for {query or 'all'} instead of {count}"
