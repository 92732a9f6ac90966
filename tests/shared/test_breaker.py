"""The pause after a failure."""

import pytest
from redis.exceptions import ConnectionError

from shared.breaker import PAUSE_SECONDS, Breaker


class Server:
    """Answers, or is away; `asked` counts."""

    def __init__(self) -> None:
        self.away = False
        self.asked = 0
        self.now = 100.0

    def answer(self) -> str:
        self.asked += 1
        if self.away:
            raise ConnectionError
        return "answer"


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def breaker(server: Server) -> Breaker:
    return Breaker("away", clock=lambda: server.now)


def test_an_answer_is_passed_on(server: Server, breaker: Breaker) -> None:
    assert breaker.ask(server.answer, "none") == "answer"


def test_a_failure_is_not_heard_of_outside(server: Server, breaker: Breaker) -> None:
    server.away = True

    assert breaker.ask(server.answer, "none") == "none"


def test_nobody_asks_again_during_the_pause(server: Server, breaker: Breaker) -> None:
    server.away = True
    breaker.ask(server.answer, "none")
    server.away, server.now = False, server.now + PAUSE_SECONDS - 0.1

    assert breaker.ask(server.answer, "none") == "none"
    assert server.asked == 1


def test_after_the_pause_all_is_as_before(server: Server, breaker: Breaker) -> None:
    server.away = True
    breaker.ask(server.answer, "none")
    server.away, server.now = False, server.now + PAUSE_SECONDS

    assert breaker.ask(server.answer, "none") == "answer"


def test_what_is_no_failure_of_redis_is_not_hidden(breaker: Breaker) -> None:
    def fail() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaker.ask(fail, "none")
