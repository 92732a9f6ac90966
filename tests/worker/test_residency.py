"""Which models stay in memory, around fakes of their loading and, once, around real ones."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy
import torch

from shared.catalog import Catalog, Model
from shared.storage import LocalStorage
from shared.workers import State, Told
from tests.fakes.clock import FakeClock
from tests.worker.families import difference, make, order
from worker.duty import Duty
from worker.engine import Engine, Options
from worker.errors import ModelUnavailable, OutOfMemory
from worker.heartbeat import Heartbeat
from worker.job import Cancelled
from worker.leases import Leases
from worker.pipelines.embeddings import Embeddings
from worker.pulse import Pulse
from worker.registry import Registry
from worker.residency import RETRY_SECONDS, Residency, budget

GIGABYTE = 2**30


@dataclass
class FakeLoaded:
    """A model of 400 bytes."""

    model: Model
    bytes: int = 400


class Loader:
    """Loads fakes; raises what it is given, as often as it is given it."""

    def __init__(self, *troubles: Exception) -> None:
        self.troubles = list(troubles)
        self.loaded: list[str] = []

    def __call__(
        self, model: Model, device: str, embeddings: Embeddings, make_room: Callable[[int], None]
    ) -> FakeLoaded:
        if self.troubles:
            raise self.troubles.pop(0)
        self.loaded.append(model.id)
        return FakeLoaded(model)


MakeResidency = Callable[..., Residency]


@pytest.fixture
def models(families: Path) -> dict[str, Model]:
    """Entries whose files are nowhere: only what has been loaded has a size."""
    known = Catalog.read(families / "models.toml").models
    return {name: model.model_copy(update={"source": f"owner/{name}"}) for name, model in known.items()}


def residency(loader: Loader, budget: int = 1000) -> Residency:
    return Residency("cpu", budget, Embeddings(0), loader)  # type: ignore[arg-type]


def load(here: Residency, *models: Model) -> None:
    for model in models:
        here.get(model, lambda: None)


def test_models_stay_while_they_fit(models: dict[str, Model]) -> None:
    loader = Loader()
    here = residency(loader)

    load(here, models["sd15"], models["flux"], models["sd15"])

    assert (here.names, loader.loaded) == (("flux", "sd15"), ["sd15", "flux"])


def test_the_one_not_used_for_longest_goes_first(models: dict[str, Model]) -> None:
    here = residency(Loader())

    load(here, models["sd15"], models["flux"], models["sd15"], models["sd3"])

    assert here.names == ("sd15", "sd3")


def test_a_model_larger_than_the_budget_is_there_alone(models: dict[str, Model]) -> None:
    here = residency(Loader(), budget=10)

    load(here, models["sd15"], models["flux"])

    assert here.names == ("flux",)


def test_room_is_made_before_a_model_that_was_never_loaded_is_read(models: dict[str, Model]) -> None:
    there: list[tuple[str, ...]] = []

    def read(model: Model, device: str, embeddings: Embeddings, make_room: Callable[[int], None]) -> FakeLoaded:
        make_room(400)
        there.append(here.names)
        return FakeLoaded(model)

    here = Residency("cpu", 1000, Embeddings(0), read)  # type: ignore[arg-type]
    load(here, models["sd15"], models["sdxl"], models["sd3"])

    assert there == [(), ("sd15",), ("sdxl",)]


def test_loading_is_told_before_it_begins_and_only_then(models: dict[str, Model]) -> None:
    loader = Loader()
    here = residency(loader)
    told: list[list[str]] = []

    for _ in range(2):
        here.get(models["sd15"], lambda: told.append(list(loader.loaded)))

    assert told == [[]]


def test_a_model_that_finds_no_room_beside_others_gets_all_of_it(models: dict[str, Model]) -> None:
    loader = Loader()
    here = residency(loader)
    load(here, models["sd15"])
    loader.troubles = [torch.OutOfMemoryError()]

    load(here, models["flux"])

    assert here.names == ("flux",)


def test_a_model_that_finds_no_room_at_all_is_an_error_that_says_so(models: dict[str, Model]) -> None:
    here = residency(Loader(torch.OutOfMemoryError(), torch.OutOfMemoryError()))

    with pytest.raises(OutOfMemory):
        load(here, models["flux"])

    load(here, models["sd15"])
    assert here.names == ("sd15",)


def test_what_an_error_has_kept_in_memory_gets_a_model_a_second_try(models: dict[str, Model]) -> None:
    here = residency(Loader(RuntimeError("CUDA error: out of memory")))

    load(here, models["flux"])

    assert here.names == ("flux",)


def test_a_broken_model_sends_no_other_one_away(models: dict[str, Model]) -> None:
    loader = Loader()
    here = residency(loader)
    load(here, models["sd15"])
    loader.troubles = [ModelUnavailable("flux", "broken")]

    with pytest.raises(ModelUnavailable):
        load(here, models["flux"])

    assert here.names == ("sd15",)


def test_a_broken_model_is_not_read_again_for_each_task(models: dict[str, Model]) -> None:
    loader, clock = Loader(ModelUnavailable("flux", "broken"), ModelUnavailable("flux", "broken")), FakeClock()
    here = Residency("cpu", 1000, Embeddings(0), loader, clock)  # type: ignore[arg-type]

    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            load(here, models["flux"])

    assert len(loader.troubles) == 1


def test_a_broken_model_is_tried_again_after_a_while(models: dict[str, Model]) -> None:
    loader, clock = Loader(ModelUnavailable("flux", "broken")), FakeClock()
    here = Residency("cpu", 1000, Embeddings(0), loader, clock)  # type: ignore[arg-type]
    with pytest.raises(ModelUnavailable):
        load(here, models["flux"])
    clock.now = RETRY_SECONDS

    load(here, models["flux"])

    assert here.names == ("flux",)


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_of_its_own_gets_back_what_nobody_uses(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given_back: list[str] = []
    monkeypatch.setattr(torch.get_device_module(device), "empty_cache", lambda: given_back.append(device))

    Residency(device, 1000, Embeddings(0), Loader()).tidy()  # type: ignore[arg-type]

    assert given_back == [device]


@pytest.mark.parametrize(("gigabytes", "expected"), [(2.0, 2 * GIGABYTE), (0.5, GIGABYTE // 2)])
def test_the_budget_is_what_the_setting_says(gigabytes: float, expected: int) -> None:
    assert budget("cpu", gigabytes) == expected


def test_the_budget_is_a_share_of_memory_unless_set() -> None:
    assert GIGABYTE // 4 < budget("cpu", 0) < 10_000 * GIGABYTE


def test_a_model_makes_the_same_pictures_after_it_was_away(families: Path, tmp_path: Path) -> None:
    little = Options(memory_gb=1e-6)
    engine = Engine(Catalog.read(families / "models.toml"), LocalStorage(tmp_path), "cpu", little)

    [before], [_], [after] = (make(engine, order(name)) for name in ("sd15", "flux", "sd15"))

    assert engine.loaded == ("sd15",)
    assert difference(before, after) == 0


@pytest.mark.parametrize("stack", ["sqlite"], indirect=True)
def test_loading_holds_up_no_beat(engine: sqlalchemy.Engine, leases: Leases, families: Path) -> None:
    beats: list[float] = []

    def told() -> Told:
        beats.append(time.monotonic())
        return Told(State.LOADING)

    heart = Heartbeat(leases, Registry(engine, "w", "node"), Duty(), Pulse(60, 60), told, interval=0.05)
    heart.announce()
    heart.start()
    here = Residency("cpu", GIGABYTE, Embeddings(0))
    began = time.monotonic()

    load(here, *Catalog.read(families / "models.toml").models.values())
    ended = time.monotonic()
    heart.stop()

    within = [began, *(beat for beat in beats if began < beat < ended), ended]
    longest = max(after - before for before, after in pairwise(within))
    assert longest < min(leases.seconds / 3, (ended - began) / 2)


def test_a_task_is_told_that_its_model_is_being_loaded(families: Path, tmp_path: Path) -> None:
    engine = Engine(Catalog.read(families / "models.toml"), LocalStorage(tmp_path), "cpu")
    told: list[tuple[int, int, str]] = []

    engine.generate([order("sd15", steps=2)], lambda step, steps, phase="": told.append((step, steps, phase)))

    assert told == [(0, 2, "loading"), (0, 2, ""), (1, 2, ""), (2, 2, "")]


def test_a_task_that_nobody_wants_when_its_model_is_there_is_not_begun(families: Path, tmp_path: Path) -> None:
    engine = Engine(Catalog.read(families / "models.toml"), LocalStorage(tmp_path), "cpu")
    told: list[int] = []

    def cancel(step: int, steps: int, phase: str = "") -> None:
        told.append(step)
        if not phase:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.generate([order("sd15", steps=2)], cancel)

    assert (told, engine.loaded) == ([0, 0], ("sd15",))
