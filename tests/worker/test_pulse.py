"""The signs of life of the device's thread."""

from collections.abc import Sequence
from contextlib import suppress

import pytest

from shared.claims import Claim
from tests.fakes.clock import FakeClock
from tests.fakes.generator import FakeGenerator
from tests.orders import claim_of
from worker.job import OnStep
from worker.media import Picture
from worker.pulse import Pulse, WatchedEngine

STALL, LOAD = 60, 900


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pulse(clock: FakeClock) -> Pulse:
    return Pulse(STALL, LOAD, clock)


def test_a_process_has_the_time_that_loading_takes_for_its_first_sign(pulse: Pulse, clock: FakeClock) -> None:
    clock.now = LOAD

    assert not pulse.ceased


def test_without_a_sign_it_ceases(pulse: Pulse, clock: FakeClock) -> None:
    pulse.tick()
    clock.now = STALL + 1

    assert pulse.ceased


def test_each_sign_gives_it_time_again(pulse: Pulse, clock: FakeClock) -> None:
    for _ in range(5):
        pulse.tick()
        clock.now += STALL

        assert not pulse.ceased


@pytest.mark.parametrize(("loaded", "ceased"), [(("tiny",), True), ((), False)])
def test_a_model_that_has_to_be_loaded_first_takes_longer(
    pulse: Pulse, clock: FakeClock, loaded: tuple[str, ...], ceased: bool
) -> None:
    seen = []

    def take_long(claimed: Sequence[Claim]) -> None:
        clock.now += STALL + 1
        seen.append(pulse.ceased)

    engine = FakeGenerator(trouble=take_long, loaded=loaded)

    WatchedEngine(engine, pulse).generate([claim_of()], lambda step, steps, phase="": None)

    assert seen == [ceased]


def test_each_step_is_a_sign_and_is_passed_on(pulse: Pulse, clock: FakeClock) -> None:
    heard = []

    def on_step(step: int, steps: int, phase: str = "") -> None:
        heard.append((step, steps, pulse.ceased))
        clock.now += STALL + 1

    WatchedEngine(FakeGenerator(), pulse).generate([claim_of()], on_step)

    assert heard == [(1, 2, False), (2, 2, False)]
    assert not pulse.ceased, "the end is a sign too"


@pytest.mark.parametrize("trouble", [None, ValueError("broken")])
def test_while_a_tasks_model_is_loaded_others_can_see_it(pulse: Pulse, trouble: Exception | None) -> None:
    class Loading(FakeGenerator):
        def generate(self, claimed: Sequence[Claim], on_step: OnStep) -> list[list[Picture]]:
            on_step(0, 2, phase="loading")
            if trouble:
                raise trouble
            on_step(0, 2)
            on_step(1, 2)
            return []

    seen = []
    engine = WatchedEngine(Loading(), pulse)

    with suppress(ValueError):
        engine.generate([claim_of()], lambda step, steps, phase="": seen.append(engine.loading))

    assert seen == ([True] if trouble else [True, False, False])
    assert not engine.loading
