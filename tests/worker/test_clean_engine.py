"""After whatever went wrong, the model is as it was or not in memory any more."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline

from shared.catalog import Catalog
from shared.generation import Kind
from shared.storage import LocalStorage
from tests.fakes.tiny_lora import save_lora
from tests.worker.families import entry, make, order
from tests.worker.test_bad_pictures import overflow
from worker.batch import RUN
from worker.batches import Size
from worker.engine import Engine
from worker.errors import DeviceBroken, EngineError, OutOfMemory
from worker.job import Cancelled
from worker.pipelines import reading
from worker.pipelines.loaded import Loaded

FULL = torch.OutOfMemoryError("CUDA out of memory")
FULL_TOO = torch.AcceleratorError("CUDA error: out of memory")
BROKEN = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


@pytest.fixture(scope="module")
def folder(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that can wear a LoRA, and one whose pictures need full precision."""
    folder = tmp_path_factory.mktemp("clean")
    save_lora(families / "sd15", folder / "one.safetensors", seed=1)
    pipeline = DiffusionPipeline.from_pretrained(families / "sd15")
    overflow(pipeline)
    pipeline.save_pretrained(folder / "changed")
    loras = 'loras = [{ name = "one", source = "one.safetensors" }]'
    (folder / "models.toml").write_text(entry("sd15", source=str(families / "sd15"), others=loras))
    (folder / "overflowing.toml").write_text(entry("sd15", source="changed", dtype="float16"))
    return folder


@pytest.fixture
def engine(folder: Path) -> Engine:
    return started(folder / "models.toml")


@pytest.fixture
def overflowing(folder: Path) -> Engine:
    return started(folder / "overflowing.toml")


def started(models: Path) -> Engine:
    engine = Engine(Catalog.read(models), LocalStorage(models.parent), "cpu")
    engine.warm_up()
    return engine


def pipeline_of(engine: Engine) -> Any:
    loaded = engine._residency.find("sd15")
    assert loaded
    return loaded.pipeline


def types(engine: Engine) -> set[torch.dtype]:
    return {part.dtype for part in pipeline_of(engine).components.values() if isinstance(part, torch.nn.Module)}


def break_at_first_step(engine: Engine, error: Exception) -> None:
    def fail(step: int, steps: int, phase: str = "") -> None:
        if step:
            raise error

    engine.generate([order("sd15")], fail)


def fail_half_way(engine: Engine, monkeypatch: pytest.MonkeyPatch, *turns: torch.dtype) -> None:
    """Turning the weights into these types finds no memory, each once, when the first part of them is turned."""
    pipeline, left = pipeline_of(engine), list(turns)
    turn = pipeline.to

    def to(dtype: torch.dtype) -> None:
        if dtype in left:
            left.remove(dtype)
            pipeline.unet.to(dtype=dtype)
            raise FULL
        turn(dtype=dtype)

    monkeypatch.setattr(pipeline, "to", to)


def test_memory_that_ends_while_precision_rises_costs_a_rung_and_no_picture(
    overflowing: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_half_way(overflowing, monkeypatch, torch.float32)

    [picture] = make(overflowing, order("sd15"))

    assert (picture.made["dtype"], picture.made["rung"]) == ("float32", "vae_tiling")
    assert types(overflowing) == {torch.float16}


def test_a_model_that_stays_between_two_precisions_goes(overflowing: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_half_way(overflowing, monkeypatch, torch.float16)

    with pytest.raises(OutOfMemory):
        make(overflowing, order("sd15"))

    assert overflowing.loaded == ()


def test_a_host_without_room_for_what_is_offloaded_leaves_the_task_to_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offload(*_: object) -> bool:
        raise MemoryError

    monkeypatch.setattr(Loaded, "offload", offload)

    with pytest.raises(OutOfMemory):
        break_at_first_step(engine, FULL)

    assert engine.loaded == ()


def test_an_error_that_nobody_expects_costs_the_model_its_place(engine: Engine) -> None:
    with pytest.raises(RuntimeError, match="same dtype"):
        break_at_first_step(engine, RuntimeError("mat1 and mat2 must have the same dtype"))

    assert engine.loaded == ()


def test_a_task_that_is_stopped_does_not(engine: Engine) -> None:
    with pytest.raises(Cancelled):
        break_at_first_step(engine, Cancelled())

    assert engine.loaded == ("sd15",)


def test_a_device_that_has_failed_is_told(engine: Engine) -> None:
    with pytest.raises(DeviceBroken):
        break_at_first_step(engine, BROKEN)


def test_one_that_says_so_only_when_it_is_tidied_up_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def tidy() -> None:
        raise BROKEN

    monkeypatch.setattr(engine._residency, "tidy", tidy)

    with pytest.raises(DeviceBroken):
        break_at_first_step(engine, RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"))


@pytest.mark.parametrize(("error", "told"), [(FULL_TOO, OutOfMemory), (BROKEN, DeviceBroken)])
def test_what_the_device_says_while_a_model_is_loaded_is_not_the_models_fault(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception, told: type[EngineError]
) -> None:
    def read(*_: object) -> None:
        raise error

    engine._residency.drop("sd15")
    monkeypatch.setattr(reading, "read", read)

    with pytest.raises(told):
        make(engine, order("sd15"))


@pytest.mark.parametrize(
    ("call", "error", "told"),
    [("load_lora_weights", FULL, OutOfMemory), ("set_adapters", BROKEN, DeviceBroken)],
)
def test_what_it_says_while_a_lora_is_put_on_is_not_the_loras(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, call: str, error: Exception, told: type[EngineError]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pipeline_of(engine), call, fail)

    with pytest.raises(told):
        make(engine, order("sd15", loras=[{"name": "one", "weight": 1.0}]))


def test_measuring_takes_no_memory_for_an_answer(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUN, Kind.TEXT_TO_IMAGE, failing_with(FULL_TOO))

    engine.tune(lambda: False)

    assert engine._batches._best == {("sd15", Size(64, 64)): 1}


def test_measuring_does_not_hide_that_the_device_has_failed(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUN, Kind.TEXT_TO_IMAGE, failing_with(BROKEN))

    with pytest.raises(torch.AcceleratorError):
        engine.tune(lambda: False)


def failing_with(error: Exception) -> Any:
    def run(*_: object) -> None:
        raise error

    return run
