"""Batches that pay, found in idle time; and compiling that nobody waits for."""

import shutil
from pathlib import Path
from threading import Event

import pytest
import torch
from torch import nn
from torch._dynamo.utils import counters
from torch._inductor.runtime.cache_dir_utils import cache_dir

from shared.catalog import Catalog, Model
from shared.generation import Kind, Shape
from shared.storage import LocalStorage
from tests.worker.compiled import Graphs, compiling_engine
from tests.worker.families import TOLERANCE, difference, entry, make, order
from worker.batch import RUN
from worker.batches import Batches, Measured, Size
from worker.compiling import CACHE_VARIABLE, Compiler
from worker.engine import Engine
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.loaded import Loaded

SIZE = Size(64, 64)


@pytest.fixture
def model(families: Path) -> Model:
    return Catalog.read(families / "models.toml").models["sd15"].model_copy(update={"max_batch": 8})


@pytest.mark.parametrize(
    ("seconds", "best"),
    [
        ({}, 1),
        ({1: 1.0}, 1),
        ({1: 1.0, 2: 2.0}, 1),
        ({1: 1.0, 2: 1.8}, 1),
        ({1: 1.0, 2: 1.7}, 2),
        ({1: 0.167, 2: 0.183, 4: 0.240, 8: 0.425}, 4),  # Qwen-Image at 512 px on an H200: sgl-project/sglang#22183
        ({1: 1.0, 2: 1.9, 4: 2.0}, 1),
        ({1: 1.0, 2: 1.2, 4: 1.6, 8: 2.4}, 8),
    ],
)
def test_a_batch_pays_when_a_picture_of_it_takes_less_than_of_half_of_it(seconds: dict[int, float], best: int) -> None:
    assert Measured(seconds).best == best


@pytest.mark.parametrize(("side", "limit"), [(512, 8), (768, 8), (1024, 1)])
def test_before_measuring_only_small_pictures_are_batched(model: Model, side: int, limit: int) -> None:
    assert Batches().limit(model, Size(side, side)) == limit


def test_what_was_measured_counts(model: Model) -> None:
    batches = Batches()

    batches.measure(model, SIZE, {1: 1.0, 2: 1.2, 4: 2.4}.get)

    assert (batches.limit(model, SIZE), batches.limit(model, Size(64, 128))) == (2, 8)


def test_sizes_that_the_model_makes_as_one_are_one(model: Model) -> None:
    batches = Batches()
    for side in (64, 63, 57):
        batches.ask_for(model, Size(side, side))

    batches.measure(model, SIZE, {1: 1.0, 2: 1.2, 4: 2.4}.get)
    batches.done(model, SIZE)

    assert batches.due is None
    assert batches.limit(model, Size(57, 63)) == 2


def test_no_larger_batch_is_tried_than_the_model_may_have_or_than_pays(model: Model) -> None:
    tried: list[int] = []

    def seconds(batch: int) -> float:
        tried.append(batch)
        return {1: 1.0, 2: 1.2, 4: 2.4}[batch]

    Batches().measure(model, SIZE, seconds)

    assert tried == [1, 2, 4]


def test_a_batch_that_finds_no_memory_is_too_large(model: Model) -> None:
    batches = Batches()

    batches.measure(model, SIZE, {1: 1.0, 2: 1.2}.get)

    assert batches.limit(model, SIZE) == 2


def test_what_skips_steps_is_never_batched(model: Model) -> None:
    assert Batches().limit(model.model_copy(update={"profile": "fast"}), SIZE) == 1


@pytest.fixture
def engine(families: Path, tmp_path: Path) -> Engine:
    (tmp_path / "models.toml").write_text(entry("sd15", source=str(families / "sd15")))
    return Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")


def measured(engine: Engine, *sizes: int) -> list[bool]:
    """Of which sizes it is known what pays, and not guessed."""
    return [("sd15", Size(size, size)) in engine._batches._best for size in sizes]


def test_sizes_in_use_are_measured_in_idle_time_and_no_others(engine: Engine) -> None:
    engine.warm_up()
    make(engine, order("sd15", width=32, height=32))

    engine.tune(lambda: False)

    assert measured(engine, 64, 32, 16) == [True, True, False]
    assert engine.batch_limit(Shape("sd15", 32, 32)) in {1, 2, 4}


def test_a_model_that_only_changes_pictures_is_measured_too(families: Path, tmp_path: Path) -> None:
    text = entry("sd15", source=str(families / "sd15")).replace('["t2i", "i2i"]', '["i2i"]')
    (tmp_path / "models.toml").write_text(text)
    engine = Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")
    engine.warm_up()

    engine.tune(lambda: False)

    assert measured(engine, 64) == [True]


def test_a_task_that_comes_ends_the_measuring(engine: Engine) -> None:
    engine.warm_up()
    asked = iter([False, False, True])

    engine.tune(lambda: next(asked))

    assert measured(engine, 64) == [False]
    assert list(asked) == []


def test_measuring_goes_on_in_the_next_idle_time(engine: Engine) -> None:
    engine.warm_up()
    engine.tune(lambda: True)

    engine.tune(lambda: False)

    assert measured(engine, 64) == [True]


def test_measuring_leaves_no_trace_in_pictures(engine: Engine) -> None:
    [before] = make(engine, order("sd15"))

    engine.tune(lambda: False)

    assert difference(before, *make(engine, order("sd15"))) == 0


def test_a_model_that_is_gone_from_the_catalogue_makes_no_batches(engine: Engine) -> None:
    assert engine.batch_limit(Shape("gone", 64, 64)) == 1


def compiling(families: Path, graphs: Graphs, name: str = "sd15", ran: Graphs | None = None) -> Engine:
    """An engine that compiles this model, and notes each graph in `graphs` and each call of one by `ran`."""
    text = entry(name).replace("max_batch = 4", "max_batch = 1")
    return compiling_engine(text, families, LocalStorage(families), graphs, ran)


@pytest.mark.parametrize("name", ["sd15", "sd3", "flux"])
def test_only_idle_time_compiles_and_tasks_run_that(families: Path, compiled: Graphs, name: str) -> None:
    ran: Graphs = []
    engine = compiling(families, compiled, name, ran)
    [before] = make(engine, order(name))
    at_first = len(compiled)

    engine.tune(lambda: False)
    after_idling = len(compiled)
    ran.clear()
    [after] = make(engine, order(name))
    used = len(ran)
    make(engine, order(name, width=32, height=48))

    assert (at_first, len(compiled)) == (0, after_idling)
    assert after_idling > 0
    assert used > 0
    assert difference(before, after) <= TOLERANCE


def test_a_reproducible_picture_is_the_same_before_and_after_compiling(families: Path, compiled: Graphs) -> None:
    ran: Graphs = []
    engine = compiling(families, compiled, ran=ran)
    [before] = make(engine, order("sd15", reproducible=True))
    engine.tune(lambda: False)
    ran.clear()

    [after] = make(engine, order("sd15", reproducible=True))
    compiled_calls = len(ran)
    make(engine, order("sd15"))

    assert compiled_calls == 0
    assert len(ran) > 0
    assert difference(before, after) == 0


def test_a_task_that_comes_ends_the_compiling(families: Path, compiled: Graphs) -> None:
    ran: Graphs = []
    engine = compiling(families, compiled, "flux", ran)
    make(engine, order("flux"))

    engine.tune(lambda: len(compiled) > 0)
    after_the_task_came = len(compiled)
    ran.clear()
    make(engine, order("flux"))
    used = len(ran)
    engine.tune(lambda: False)

    assert after_the_task_came == 1
    assert used > 0
    assert len(compiled) > 1


def test_a_task_does_not_wait_for_the_graph_that_is_being_compiled(families: Path, compiled: Graphs) -> None:
    begun, goes_on = Event(), Event()
    engine = compiling(families, compiled)
    note = engine._tuning._compiler._backend

    def take_long(graph: torch.fx.GraphModule, inputs: object) -> object:
        begun.set()
        assert goes_on.wait(60)
        return note(graph, inputs)  # type: ignore[operator] # the fixture's, which is no name

    engine._tuning._compiler._backend = take_long  # type: ignore[assignment]
    [before] = make(engine, order("sd15"))

    engine.tune(begun.is_set)
    [meanwhile] = make(engine, order("sd15"))
    compiled_by_then = len(compiled)
    goes_on.set()
    engine.tune(lambda: False)

    assert compiled_by_then == 0
    assert difference(before, meanwhile) == 0
    assert len(compiled) > 1
    assert engine._batches.due is None


def test_what_was_compiled_before_a_task_came_is_not_compiled_again(families: Path, compiled: Graphs) -> None:
    engine = compiling(families, compiled, "flux")
    make(engine, order("flux"))

    for come in range(20):
        engine.tune(lambda come=come: len(compiled) > come)  # type: ignore[misc]
    in_pieces = len(compiled)
    engine.tune(lambda: False)

    assert engine._batches.due is None
    assert len(compiled) == in_pieces < 20


def test_at_the_limit_further_sizes_run_as_they_are(
    families: Path, compiled: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: Graphs = []
    engine = compiling(families, compiled, ran=ran)
    monkeypatch.setattr(torch._dynamo.config, "recompile_limit", 2)
    for side in (64, 48, 32, 16):
        make(engine, order("sd15", width=side, height=side))

    engine.tune(lambda: False)
    ran.clear()
    pictures = {side: make(engine, order("sd15", width=side, height=side)) for side in (16, 64)}

    assert measured(engine, 64, 48, 32, 16) == [True] * 4
    assert len(pictures) == 2
    assert len(ran) > 0


@pytest.mark.parametrize("error", [TypeError("unexpected"), KeyError("x"), AssertionError(), RuntimeError("odd")])
def test_whatever_tuning_meets_ends_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    engine.warm_up()
    monkeypatch.setitem(RUN, Kind.TEXT_TO_IMAGE, fail)  # type: ignore[arg-type] # a dict, which nothing else changes

    engine.tune(lambda: False)

    assert engine._batches.due is None


def test_what_is_compiled_is_kept_where_it_is_to_be(
    compiled: Graphs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "elsewhere")

    Compiler(on=True, cache=tmp_path)

    assert cache_dir() == str(tmp_path)


def test_a_network_that_cannot_be_compiled_runs_as_it_is(families: Path, compiled: Graphs) -> None:
    def refuse(graph: torch.fx.GraphModule, inputs: object) -> object:
        raise RuntimeError("no compiler")

    loaded = Loaded.from_model(Catalog.read(families / "models.toml").models["sd15"], "cpu", Embeddings(0))
    compiler = Compiler(on=True)
    compiler._backend = refuse  # type: ignore[assignment]

    with compiler.compiling(loaded, lambda: False):
        loaded.denoiser(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 16, 16))

    assert loaded.denoiser(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 16, 16)).sample.shape == (1, 4, 8, 8)


@pytest.mark.parametrize("name", ["sd15", "sdxl", "flux", "sd3"])
def test_equal_blocks_are_compiled_instead_of_the_whole_network(families: Path, compiled: Graphs, name: str) -> None:
    engine = compiling(families, compiled, name)
    make(engine, order(name))
    engine.tune(lambda: False)

    loaded = engine._residency.find(name)

    assert loaded is not None
    parts = [part for part in loaded.denoiser.modules() if part._compiled_call_impl is not None]
    assert len({type(part) for part in parts} - {type(loaded.denoiser)}) > 0
    assert loaded.denoiser not in parts


def test_a_network_without_equal_blocks_is_compiled_as_a_whole(families: Path, compiled: Graphs) -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList([nn.Linear(4, 4), nn.Tanh()])

        def forward(self, numbers: torch.Tensor) -> torch.Tensor:
            return self.blocks[1](self.blocks[0](numbers))  # type: ignore[no-any-return]

    loaded = Loaded.from_model(Catalog.read(families / "models.toml").models["sd15"], "cpu", Embeddings(0))
    loaded.pipeline.unet = Mixed()
    compiler = compiling(families, compiled)._tuning._compiler

    with torch.no_grad(), compiler.compiling(loaded, lambda: False):
        loaded.denoiser(torch.zeros(1, 4))

    assert len(compiled) == 1
    assert [part for part in loaded.denoiser.modules() if part._compiled_call_impl is not None] == [loaded.denoiser]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own
@pytest.mark.skipif(shutil.which("g++") is None, reason="what torch makes of a graph is C++ here")
def test_what_one_process_has_compiled_the_next_one_finds(families: Path, compiled: Graphs, tmp_path: Path) -> None:
    def missed_and_found() -> tuple[int, int]:
        torch._dynamo.reset()
        counters.clear()
        loaded = Loaded.from_model(Catalog.read(families / "models.toml").models["sd15"], "cpu", Embeddings(0))
        with torch.no_grad(), Compiler(on=True, cache=tmp_path).compiling(loaded, lambda: False):
            loaded.denoiser(torch.zeros(1, 4, 8, 8), 1, torch.zeros(1, 16, 16))
        return counters["inductor"]["fxgraph_cache_miss"], counters["inductor"]["fxgraph_cache_hit"]

    missed, found = missed_and_found()

    assert missed > 0 == found
    assert missed_and_found() == (0, missed)
