"""Video models in idle time: compiled for the sizes and lengths in use, and never made two at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.catalog import Catalog
from shared.generation import Kind
from shared.storage import LocalStorage
from tests.worker.videos import KINDS, T2V, entry, make, order
from worker.engine import Engine, Options


@pytest.fixture
def ran() -> Iterator[list[torch.fx.GraphModule]]:
    """The compiled graphs, each as often as it was called."""
    torch._dynamo.reset()
    yield []
    torch.compiler.set_stance("default")
    torch._dynamo.reset()


def compiling(videos: Path, files: LocalStorage, name: str, ran: list[torch.fx.GraphModule]) -> Engine:
    """An engine that compiles this model, by a backend that only notes what is called."""

    def note(graph: torch.fx.GraphModule, inputs: object) -> object:
        def run(*args: object) -> object:
            ran.append(graph)
            return graph.forward(*args)

        return run

    (videos / f"{name}.toml").write_text(entry(name))
    engine = Engine(Catalog.read(videos / f"{name}.toml"), files, "cpu", Options(compiles=True))
    engine._tuning._compiler._backend = note  # type: ignore[assignment]
    return engine


@pytest.mark.parametrize("name", ["wan", "wan-i2v", "ltx", "cogvideox", "animatediff-first"])
def test_idle_time_compiles_for_clips_and_tasks_run_that(
    videos: Path, video_files: LocalStorage, ran: list[torch.fx.GraphModule], name: str
) -> None:
    kind: Kind = KINDS[name][0]
    engine = compiling(videos, video_files, name, ran)
    [before] = make(engine, order(name, kind))
    at_first = len(ran)

    engine.tune(lambda: False)
    ran.clear()
    [after] = make(engine, order(name, kind))

    assert at_first == 0
    assert len(ran) > 0
    assert np.abs(before.frames.astype(int) - after.frames).max() <= 1


def test_another_length_runs_as_it_is(videos: Path, video_files: LocalStorage, ran: list[torch.fx.GraphModule]) -> None:
    engine = compiling(videos, video_files, "wan", ran)
    make(engine, order("wan", T2V))
    engine.tune(lambda: False)
    ran.clear()

    [clip] = make(engine, order("wan", T2V, num_frames=13))

    assert len(clip.frames) == 13
    assert ran == []
    assert engine._batches.due is not None


def test_no_clip_is_decoded_for_it(
    videos: Path, video_files: LocalStorage, ran: list[torch.fx.GraphModule], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = compiling(videos, video_files, "wan", ran)
    make(engine, order("wan", T2V))
    loaded = engine._residency.find("wan")
    assert loaded is not None
    decoded: list[object] = []
    monkeypatch.setattr(loaded.pipeline.vae, "decode", lambda *_, **__: decoded.append(1))

    engine.tune(lambda: False)

    assert decoded == []
    assert len(ran) > 0


def test_where_nothing_is_compiled_no_clip_is_made_for_measuring(videos: Path, video_files: LocalStorage) -> None:
    (videos / "measured.toml").write_text(entry("ltx"))
    engine = Engine(Catalog.read(videos / "measured.toml"), video_files, "cpu")

    engine.warm_up()
    make(engine, order("ltx", T2V))

    assert engine._batches.due is None
