"""Video models in idle time: compiled for the sizes and lengths in use, and never made two at a time."""

from pathlib import Path

import numpy as np
import pytest

from shared.catalog import Catalog
from shared.generation import Kind
from shared.storage import LocalStorage
from tests.worker.compiled import Graphs, compiling_engine
from tests.worker.videos import KINDS, T2V, entry, make, order
from worker.engine import Engine


def compiling(videos: Path, files: LocalStorage, name: str, ran: Graphs) -> Engine:
    """An engine that compiles this model, and notes each call of a graph."""
    return compiling_engine(entry(name), videos, files, [], ran)


@pytest.mark.parametrize("name", ["wan", "wan-i2v", "ltx", "cogvideox", "animatediff-first"])
def test_idle_time_compiles_for_clips_and_tasks_run_that(
    videos: Path, video_files: LocalStorage, compiled: Graphs, name: str
) -> None:
    kind: Kind = KINDS[name][0]
    engine = compiling(videos, video_files, name, compiled)
    [before] = make(engine, order(name, kind))
    at_first = len(compiled)

    engine.tune(lambda: False)
    compiled.clear()
    [after] = make(engine, order(name, kind))

    assert at_first == 0
    assert len(compiled) > 0
    assert np.abs(before.frames.astype(int) - after.frames).max() <= 1


def test_another_length_runs_as_it_is(videos: Path, video_files: LocalStorage, compiled: Graphs) -> None:
    engine = compiling(videos, video_files, "wan", compiled)
    make(engine, order("wan", T2V))
    engine.tune(lambda: False)
    compiled.clear()

    [clip] = make(engine, order("wan", T2V, num_frames=13))

    assert len(clip.frames) == 13
    assert compiled == []
    assert engine._batches.due is not None


def test_no_clip_is_decoded_for_it(
    videos: Path, video_files: LocalStorage, compiled: Graphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = compiling(videos, video_files, "wan", compiled)
    make(engine, order("wan", T2V))
    loaded = engine._residency.find("wan")
    assert loaded is not None
    decoded: list[object] = []
    monkeypatch.setattr(loaded.pipeline.vae, "decode", lambda *_, **__: decoded.append(1))

    engine.tune(lambda: False)

    assert decoded == []
    assert len(compiled) > 0


def test_where_nothing_is_compiled_no_clip_is_made_for_measuring(videos: Path, video_files: LocalStorage) -> None:
    (videos / "measured.toml").write_text(entry("ltx"))
    engine = Engine(Catalog.read(videos / "measured.toml"), video_files, "cpu")

    engine.warm_up()
    make(engine, order("ltx", T2V))

    assert engine._batches.due is None
