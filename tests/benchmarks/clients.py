"""Pollers that ask when the service told them to, and submitters that do not wait for each other.

Each request has a moment when it is due, which no earlier answer moves; its latency is counted from there, so a service
that falls behind cannot make itself look fast by being asked less.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks.crowd import Poller
from tests.benchmarks.wire import Answer, Client, request

GENERATION = "/api/v1/generation"
LATER_SECONDS = 5.0  # until a poller that was told nothing yet asks; they begin spread over as long, in any order
SEED = 8
WARM_UP_SECONDS = 10.0
PROMPT = "submitted under load, number"

GRACE_SECONDS = 20.0  # after the end, for what is still to be asked then; the rest is given up
GIVEN_UP = "given up"


@dataclass
class Tally:
    """What was counted: latencies in seconds, answers by status, failures by name, pauses that were kept.

    `answers` are all that came, also those that do not count because it had only begun.
    """

    answers: int = 0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    bytes: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    pauses: Counter[float] = field(default_factory=Counter)

    def add(self, answer: Answer, latency: float) -> None:
        """An answer that counts."""
        self.latencies.append(latency)
        self.statuses[answer.status] += 1
        self.bytes[answer.status] += answer.size
        if answer.status >= 400:
            self.failures[str(answer.status)] += 1

    def fail(self, name: str, latency: float) -> None:
        """No answer, after so long: to leave it out would make a service that does not answer look fast."""
        self.latencies.append(latency)
        self.failures[name] += 1


@dataclass(frozen=True)
class Sent:
    """One submit: what it was recognised by, and the id of the task that was promised; None when it was refused.

    `known` says whether there was an answer at all.
    """

    prompt: str
    task: str | None
    known: bool


async def poll_all(
    port: int, pollers: Sequence[Poller], seconds: float, tally: Tally, look: Callable[[], None]
) -> None:
    """All of them, for so long after a while to warm up. `look` is called when that is over and when the time is."""
    start = _now() + 0.5
    first = start + WARM_UP_SECONDS
    chance = random.Random(SEED)  # noqa: S311 - the same order each time
    async with asyncio.TaskGroup() as together:
        together.create_task(_at(first, look))
        together.create_task(_at(first + seconds, look))
        for place, poller in enumerate(chance.sample(pollers, len(pollers))):
            page = _Page(poller, Client(port), tally, first)
            due = start + LATER_SECONDS * place / len(pollers)
            together.create_task(page.poll(due, first + seconds))


async def submit_all(
    port: int, tokens: Sequence[str], rate: int, seconds: float, tally: Tally
) -> tuple[list[Sent], float]:
    """So many a second, each at its own moment; also how many seconds passed until the last had its answer."""
    start, free = _now() + 0.5, list[Client]()
    sent: list[Awaitable[Sent]] = []
    async with asyncio.TaskGroup() as together:
        for number in range(round(rate * seconds)):
            token = tokens[number % len(tokens)]
            sent.append(together.create_task(_submit(port, free, token, number, start + number / rate, tally)))
    return [await each for each in sent], _now() - start


class _Page:
    """An open page: polls all of its tasks in one request, until none of them can change any more."""

    def __init__(self, poller: Poller, client: Client, tally: Tally, counted_from: float) -> None:
        self._path = f"{GENERATION}?ids={','.join(poller.tasks)}"
        self._headers = {"Authorization": f"Bearer {poller.token}"}
        self._client = client
        self._tally = tally
        self._counted_from = counted_from
        self._pause: float | None = LATER_SECONDS

    async def poll(self, due: float, end: float) -> None:
        """From the moment that is due first until the end."""
        while self._pause is not None and due < end:
            await asyncio.sleep(due - _now())
            counts = due >= self._counted_from
            self._tally.pauses[self._pause] += counts
            if _now() < end + GRACE_SECONDS:
                await self._ask(due, counts)
            else:
                self._tally.fail(GIVEN_UP, _now() - due)
            due += self._pause or 0
        self._client.close()

    async def _ask(self, due: float, counts: bool) -> None:
        try:
            answer = await self._client.ask(request("GET", self._path, self._headers))
        except OSError as error:  # a TimeoutError is one
            self._tally.fail(type(error).__name__, _now() - due)
            return
        self._tally.answers += 1
        if counts:
            self._tally.add(answer, _now() - due)
        self._learn(answer)

    def _learn(self, answer: Answer) -> None:
        """A 304 says nothing new: what was said last still holds."""
        if answer.status == 200:
            self._headers["If-None-Match"] = answer.headers["etag"]
            self._pause = shortest_pause(json.loads(answer.body)["data"]["tasks"])


def shortest_pause(tasks: Sequence[dict[str, Any]]) -> float | None:
    """Seconds until it pays to ask for all of these again: for the first of them. None when all have ended."""
    told = [task["next_poll_ms"] for task in tasks if task["next_poll_ms"] is not None]
    return min(told) / 1000 if told else None


async def _submit(port: int, free: list[Client], token: str, number: int, due: float, tally: Tally) -> Sent:
    prompt = f"{PROMPT} {number}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": prompt}
    body = json.dumps({"type": "t2i", "prompt": prompt}).encode()
    await asyncio.sleep(due - _now())
    client = free.pop() if free else Client(port)
    try:
        answer = await client.ask(request("POST", GENERATION, headers, body))
    except OSError as error:
        tally.fail(type(error).__name__, _now() - due)
        return Sent(prompt, None, known=False)
    finally:
        free.append(client)
    tally.answers += 1
    tally.add(answer, _now() - due)
    return Sent(prompt, json.loads(answer.body)["data"]["task_id"] if answer.status == 200 else None, known=True)


async def _at(moment: float, then: Callable[[], None]) -> None:
    await asyncio.sleep(moment - _now())
    then()


def _now() -> float:
    return asyncio.get_running_loop().time()
