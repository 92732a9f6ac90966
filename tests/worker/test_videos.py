"""Each video family through its real classes: sizes, lengths, parameters, references, kinds."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.catalog import Catalog
from shared.generation import Kind, Shape
from shared.storage import LocalStorage
from tests.worker.videos import (
    CASES,
    I2V,
    T2V,
    decoded,
    entry,
    make,
    methods,
    order,
    save_reference,
)
from worker.clip import Clip
from worker.engine import Engine
from worker.errors import KindUnsupported, ReferenceUnreadable

BOTH = "wan-both"
Usual = Callable[[str, Kind], Clip]

case = pytest.mark.parametrize(("name", "kind"), CASES)


@pytest.fixture(scope="module")
def usual(video_engine: Engine) -> Usual:
    """The clip of a task with no wishes of its own, made once for each case."""
    return cache(lambda name, kind: make(video_engine, order(name, kind))[0])


def same(one: Clip, other: Clip) -> bool:
    return np.array_equal(one.frames, other.frames)


@case
@pytest.mark.parametrize(("frames", "width", "height"), [(9, 32, 32), (10, 34, 50), (1, 16, 16)])
def test_the_file_has_exactly_the_frames_and_the_size_that_were_asked_for(
    video_engine: Engine, name: str, kind: Kind, frames: int, width: int, height: int
) -> None:
    task = order(name, kind, num_frames=frames, width=width, height=height, fps=12)

    encoded = make(video_engine, task)[0].encode(task)

    assert [frame.shape for frame in decoded(encoded.data)] == [(height, width, 3)] * frames
    assert (encoded.size, encoded.motion["fps"]) == ((width, height), 12)


@case
def test_the_same_task_gives_the_same_bytes_again(video_engine: Engine, usual: Usual, name: str, kind: Kind) -> None:
    task = order(name, kind)

    first, again = usual(name, kind).encode(task), make(video_engine, task)[0].encode(task)

    assert first.data == again.data


@case
@pytest.mark.parametrize(
    "change",
    [{"prompt": "zebra"}, {"negative_prompt": "zebra"}, {"guidance_scale": 9.0}, {"steps": 3}, {"seed": 8}],
    ids=lambda change: next(iter(change)),
)
def test_a_parameter_changes_the_clip(
    video_engine: Engine, usual: Usual, name: str, kind: Kind, change: dict[str, object]
) -> None:
    [other] = make(video_engine, order(name, kind, **change))

    assert not same(usual(name, kind), other)


@pytest.mark.parametrize("kind", [T2V, I2V])
def test_things_move_at_the_rate_that_was_asked_for_where_the_model_knows_it(
    video_engine: Engine, usual: Usual, kind: Kind
) -> None:
    [faster] = make(video_engine, order("ltx", kind, fps=24))

    assert not same(usual("ltx", kind), faster)


@case
def test_a_task_for_two_clips_counts_the_seed_up_and_tells_each_step(
    video_engine: Engine, name: str, kind: Kind
) -> None:
    told: list[tuple[int, int]] = []

    [clips] = video_engine.generate(
        [order(name, kind, num_images=2)], lambda done, of, phase="": done and told.append((done, of))
    )

    assert [clip.seed for clip in clips] == [7, 8]
    assert same(clips[1], *make(video_engine, order(name, kind, seed=8)))
    assert told[-4:] == [(1, 4), (2, 4), (3, 4), (4, 4)]


@case
def test_what_a_step_raises_ends_the_run_at_once_and_leaves_nothing_behind(
    video_engine: Engine, usual: Usual, name: str, kind: Kind
) -> None:
    class Enough(Exception):
        pass

    told: list[int] = []

    def stop(done: int, of: int, phase: str = "") -> None:
        told.append(done)
        if done:
            raise Enough

    before = usual(name, kind)
    with pytest.raises(Enough):
        video_engine.generate([order(name, kind, steps=5)], stop)

    assert told == [1]
    assert same(before, *make(video_engine, order(name, kind)))


@pytest.mark.parametrize("name", [name for name, kind in CASES if kind is I2V])
def test_the_reference_changes_the_clip(video_engine: Engine, usual: Usual, name: str) -> None:
    [blue] = make(video_engine, replace(order(name, I2V), images=("uploads/blue.png",)))

    assert not same(usual(name, I2V), blue)


GREY = Image.fromarray(np.full((20, 50), 0x4040, np.uint16))


@pytest.mark.parametrize(
    ("image", "format", "more"),
    [
        (Image.new("RGBA", (300, 7), (255, 0, 0, 9)), "PNG", {}),
        (GREY, "PNG", {}),
        (Image.new("CMYK", (5, 90)), "JPEG", {}),
        (Image.new("RGB", (20, 20), "red"), "WEBP", {"save_all": True, "append_images": [Image.new("RGB", (20, 20))]}),
    ],
    ids=["RGBA", "16 bits", "CMYK", "moving"],
)
def test_a_reference_of_any_mode_and_size_will_do(
    video_engine: Engine, video_files: LocalStorage, image: Image.Image, format: str, more: dict[str, object]
) -> None:
    save_reference(video_files, "any", image, format, **more)

    [clip] = make(video_engine, replace(order(BOTH, I2V), images=("uploads/any",)))

    assert clip.frames.shape == (5, 32, 32, 3)


@pytest.mark.parametrize("key", ["uploads/gone.png", "uploads/broken.png"])
def test_a_reference_that_cannot_be_read_is_an_error_of_its_own(
    video_engine: Engine, video_files: LocalStorage, key: str
) -> None:
    video_files.save("uploads/broken.png", b"\x89PNG no more")

    with pytest.raises(ReferenceUnreadable):
        make(video_engine, replace(order(BOTH, I2V), images=(key,)))


@pytest.mark.parametrize("method", methods("animatediff"))
def test_animatediff_begins_with_the_reference_however_it_is_sampled(video_engine: Engine, method: str) -> None:
    """As its autoencoder, of random numbers here, has it: other noise makes other frames, but not another first one."""
    clips = [make(video_engine, order("animatediff-first", I2V, sampling_method=method, seed=n))[0] for n in (1, 2)]

    assert np.array_equal(clips[0].frames[0], clips[1].frames[0])
    assert not np.array_equal(clips[0].frames[1], clips[1].frames[1])


def test_a_second_reference_is_the_end_of_the_clip(video_engine: Engine) -> None:
    one, two = (make(video_engine, order("wan-twice", I2V, images=count))[0] for count in (1, 2))

    assert not same(one, two)


def test_a_second_reference_is_refused_where_a_clip_has_no_end_of_its_own(video_engine: Engine) -> None:
    with pytest.raises(KindUnsupported):
        make(video_engine, order("ltx", I2V, images=2))


@pytest.mark.parametrize("method", ["DPM++ 2M", "Flow Euler"])
def test_a_model_that_matches_flows_can_be_sampled_in_several_ways(video_engine: Engine, method: str) -> None:
    usual, other = make(video_engine, order("wan", T2V, steps=4)) + make(
        video_engine, order("wan", T2V, steps=4, sampling_method=method)
    )

    assert not same(usual, other)
    assert abs(float(usual.frames.mean()) - float(other.frames.mean())) < 16


def test_steps_that_would_change_little_are_skipped_where_the_entry_wants_that(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(entry("wan", source=str(videos / "wan")) + 'profile = "fast"\n')
    engine = Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")

    [clip] = make(engine, order("wan", T2V, steps=6))

    assert clip.made["profile"] == "fast"


def test_clips_of_one_batch_are_made_one_by_one(video_engine: Engine) -> None:
    tasks = [order("ltx", T2V), order("ltx", T2V, "a blue square", seed=3)]

    together, apart = make(video_engine, *tasks), [make(video_engine, task)[0] for task in tasks]

    assert all(same(*pair) for pair in zip(together, apart, strict=True))
    assert video_engine.batch_limit(Shape("ltx", 32, 32)) == 1
