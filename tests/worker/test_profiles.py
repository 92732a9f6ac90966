"""The profile that skips steps which would change little, and the one that does not."""

from pathlib import Path

import pytest

from shared.catalog import Catalog
from shared.storage import LocalStorage
from tests.worker.families import alone, difference, entry, from_picture, make, order
from worker.engine import Engine
from worker.pipelines import loaded


@pytest.fixture
def engine(families: Path, tmp_path: Path) -> Engine:
    """Models that are all to be fast."""
    entries = [entry(n, source=str(families / n), others='profile = "fast"') for n in ("flux", "sd15")]
    (tmp_path / "models.toml").write_text("".join(entries))
    return Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")


def test_a_fast_picture_says_so_and_is_nearly_the_exact_one(engine: Engine, family_engine: Engine) -> None:
    [fast], [exact] = (make(here, order("flux", steps=8)) for here in (engine, family_engine))

    assert (fast.made["profile"], exact.made["profile"]) == ("fast", "exact")
    assert difference(fast, exact) < 64


def test_steps_that_change_little_are_skipped(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaded, "SKIP_BELOW", 10.0)  # random weights change much from step to step
    make(engine, order("flux"))
    last = engine._residency.find("flux").denoiser.single_transformer_blocks[-1]
    calls: list[object] = []
    hook = last.norm.register_forward_hook(lambda *call: calls.append(call))

    make(engine, order("flux", steps=10))

    hook.remove()
    assert 0 < len(calls) < 10


def test_a_model_that_cannot_skip_is_exact_and_says_so(engine: Engine, family_engine: Engine) -> None:
    [picture] = make(engine, order("sd15"))

    assert picture.made["profile"] == "exact"
    assert difference(picture, *make(family_engine, order("sd15"))) == 0


def test_a_kind_that_cannot_skip_is_exact_and_says_so(engine: Engine, tmp_path: Path) -> None:
    [picture] = make(engine, from_picture(order("flux"), "red", LocalStorage(tmp_path)))

    assert picture.made["profile"] == "exact"


def test_nothing_of_one_task_is_skipped_by_anothers(engine: Engine) -> None:
    class Stopped(Exception):
        pass

    def stop(step: int, steps: int, phase: str = "") -> None:
        if step == 2:
            raise Stopped

    [before] = make(engine, order("flux", steps=8))
    with pytest.raises(Stopped):
        engine.generate([order("flux", "zebra", steps=8)], stop)
    after = alone(engine, [order("flux", "zebra", steps=4), order("flux", steps=8)])[1]

    assert difference(before, after) == 0
