"""Users who submit tasks, watch them in all the ways there are, and sometimes change their minds."""

import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.caller import Answer, Caller, NoAnswer
from tests.chaos.journal import Journal
from tests.chaos.models import DEMO, SLOW

PAUSE = 0.15
BATCH = 20
CANCELLED = 0.007  # of the looks at a task that runs


@dataclass
class Orders:
    """So many tasks, spread over so many seconds and over all who ask."""

    count: int
    seconds: float
    demo_share: float
    begun: float = field(default_factory=time.monotonic)
    taken: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self) -> bool:
        """Take one, if it is time for the next."""
        with self.lock:
            passed = (time.monotonic() - self.begun) / self.seconds
            if self.taken >= self.count or self.taken > passed * self.count:
                return False
            self.taken += 1
            return True

    @property
    def all_taken(self) -> bool:
        return self.taken >= self.count


class Visitor(threading.Thread):
    """One user; ends when nothing more is to be ordered and all of theirs has ended, or when told to stop."""

    def __init__(self, url: str, number: int, orders: Orders, random: Random) -> None:
        super().__init__(name=f"visitor-{number}", daemon=True)
        self.caller = Caller(url, f"visitor{number}")
        self.journals: dict[str, Journal] = {}
        self.troubles: Counter[str] = Counter()
        self.stopped = threading.Event()
        self.error: BaseException | None = None
        self._orders = orders
        self._random = random

    def run(self) -> None:
        try:
            while not self.stopped.is_set() and (self._watched() or not self._orders.all_taken):
                if self._orders.due():
                    self._submit()
                self._watch()
                self.stopped.wait(PAUSE)
        except BaseException as error:  # the run must know that nobody watched
            self.error = error

    def _watched(self) -> list[Journal]:
        return [journal for journal in self.journals.values() if not journal.ended]

    def _submit(self) -> None:
        """Again with the same key until it is answered: what is never answered could not be counted."""
        body, images = self._order()
        key = uuid.uuid4().hex
        while not self.stopped.is_set():
            answer = self._asked("POST", "/api/v1/generation", body, **{"Idempotency-Key": key})
            if answer and answer.ok:
                data = answer.data
                size = body["parameters"]["width"]
                journal = Journal(data["task_id"], self.caller.account, images, size, time.monotonic())
                self.journals.setdefault(data["task_id"], journal)
                return
            self.stopped.wait(self._random.uniform(0.1, 0.6))

    def _order(self) -> tuple[dict[str, Any], int]:
        demo = self._random.random() < self._orders.demo_share
        images = self._random.choice([1, 1, 1, 2])
        steps = self._random.randint(2, 8) if demo else self._random.choice([10, 20, 40, 80])
        parameters = {
            "model": DEMO if demo else SLOW,
            "steps": steps,
            "width": 64,
            "height": 64,
            "num_images": images,
            "seed": self._random.randrange(2**32),
        }
        return {"type": "t2i", "prompt": f"a red circle {uuid.uuid4().hex[:6]}", "parameters": parameters}, images

    def _watch(self) -> None:
        watched = self._watched()
        if not watched:
            return
        chosen = self._random.choice(watched)
        way = self._random.random()
        if way < 0.5:
            self._poll_many(watched[:BATCH])
        elif way < 0.9:
            self._poll(chosen, "")
        else:
            self._poll(chosen, "?wait=1")
        if chosen.ended:
            self._after(chosen)
        elif self._random.random() < CANCELLED:
            self._cancel(chosen)

    def _poll(self, journal: Journal, query: str) -> None:
        answer = self._asked("GET", f"/api/v1/generation/{journal.task}{query}")
        if answer and answer.ok:
            journal.see(answer.data, time.monotonic())

    def _poll_many(self, journals: list[Journal]) -> None:
        ids = ",".join(journal.task for journal in journals)
        answer = self._asked("GET", f"/api/v1/generation?ids={ids}")
        if answer and answer.ok:
            for data in answer.data["tasks"]:
                self.journals[data["task_id"]].see(data, time.monotonic())

    def _cancel(self, journal: Journal) -> None:
        answer = self._asked("DELETE", f"/api/v1/generation/{journal.task}")
        journal.cancelled = True  # also when the answer was lost
        if answer and answer.ok:
            journal.see(answer.data, time.monotonic())

    def _after(self, journal: Journal) -> None:
        """Some results are kept as favourites, some records are deleted."""
        luck = self._random.random()
        if luck < 0.2 and journal.state == "completed":
            self._keep(journal)
        elif luck > 0.9:
            answer = self._asked("POST", "/api/v1/user/generation_list", {"task_id": journal.task})
            journal.deleted = bool(answer and answer.ok)

    def _keep(self, journal: Journal) -> None:
        tree = self._asked("GET", "/api/v1/user/favorite_list")
        if not (tree and tree.ok):
            return
        url = f"/generated_outputs/{journal.task}.png"
        node = {"parent_id": tree.data[0]["id"], "name": journal.task, "node_type": "file", "refer_url": url}
        answer = self._asked("POST", "/api/v1/user/favorite_list", node)
        journal.favourite = url if answer and answer.ok else None

    def _asked(self, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """None without an answer; whatever is wrong is counted."""
        try:
            answer = self.caller.call(method, path, body, **headers)
        except NoAnswer:
            self.troubles["no answer"] += 1
            return None
        if not answer.ok:
            self.troubles[str(answer.status)] += 1
        return answer
