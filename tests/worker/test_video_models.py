"""What the worker knows of video models: kinds, sizes, lengths, memory, and when they break."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline

from shared.catalog import Catalog
from shared.generation import Kind
from shared.kinds import kinds_of
from shared.storage import LocalStorage
from tests.fakes.tiny_model import save_tiny_model
from tests.worker.families import told_at_the_start
from tests.worker.videos import I2V, T2V, entry, order, quiet
from worker.engine import Engine
from worker.errors import BadPicture, OutOfMemory
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.loaded import Loaded, _lay_out
from worker.pipelines.pixels import is_clip


def loaded(videos: Path, name: str) -> Loaded:
    return Loaded.from_model(Catalog.read(videos / "models.toml").models[name], "cpu", Embeddings(0))


def test_both_kinds_work_on_the_same_weights(videos: Path) -> None:
    model = loaded(videos, "wan-both")

    parts = [model.pipeline_for(kind).components for kind in (T2V, I2V)]

    assert all(parts[0][part] is parts[1][part] for part in ("vae", "text_encoder", "transformer"))


@pytest.mark.parametrize(
    ("name", "multiple", "asked", "frames"),
    [
        ("wan", 16, [1, 5, 6, 9, 81], [5, 5, 9, 9, 81]),
        ("wan-i2v", 16, [1, 80], [5, 81]),
        ("ltx", 32, [1, 9, 10, 121], [9, 9, 17, 121]),
        ("cogvideox", 16, [5, 9, 10, 49], [9, 9, 17, 49]),
        ("animatediff", 8, [2, 15, 16], [2, 15, 16]),
    ],
)
def test_a_model_knows_which_sizes_and_lengths_it_makes(
    videos: Path, name: str, multiple: int, asked: list[int], frames: list[int]
) -> None:
    model = loaded(videos, name)

    assert (model.multiple, [model.frames(count) for count in asked]) == (multiple, frames)


@pytest.mark.parametrize(
    ("came_with", "config", "kinds"),
    [
        ("WanPipeline", {"expand_timesteps": True}, {T2V, I2V}),
        ("WanPipeline", {"expand_timesteps": False}, {T2V}),
        ("LTXConditionPipeline", {}, {T2V, I2V}),
        ("AnimateDiffPipeline", {}, {T2V}),
        ("AnimateDiffPipeline", {"takes_first_frame": True}, {T2V, I2V}),
        ("CogVideoXImageToVideoPipeline", {}, {I2V}),
    ],
)
def test_what_a_model_makes_can_depend_on_what_its_index_says(
    came_with: str, config: dict[str, object], kinds: set[Kind]
) -> None:
    assert kinds_of(came_with, config) == kinds


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("wan", ('"t2v"]', '"t2v", "i2v"]'), "does not make i2v"),
        ("cogvideox-i2v", ('"i2v"]', '"i2v", "t2v"]'), "does not make t2v"),
        ("animatediff", ('"t2v"]', '"t2v", "i2v"]'), "does not make i2v"),
        ("wan", ('"UniPC"', '"DDIM"'), "does not go with DDIM"),
        ("cogvideox", ('"DDIM"', '"DDIM", "Euler"'), "does not go with Euler"),
    ],
)
def test_an_entry_that_promises_too_much_is_told_at_the_start(
    videos: Path, tmp_path: Path, name: str, change: tuple[str, str], problem: str
) -> None:
    (tmp_path / "models.toml").write_text(entry(name, source=str(videos / name)).replace(*change))

    [(model, told)] = told_at_the_start(tmp_path / "models.toml")

    assert model == name
    assert problem in told


def test_entries_that_keep_their_promises_are_no_problem(videos: Path) -> None:
    assert told_at_the_start(videos / "models.toml") == []


@pytest.mark.parametrize("name", ["animatediff", "animatediff-first"])
def test_motion_modules_are_in_memory_once(videos: Path, name: str) -> None:
    model = loaded(videos, name)

    assert model.pipeline.motion_adapter is None
    assert any("motion_modules" in part for part, _ in model.pipeline.unet.named_parameters())


@pytest.fixture
def own_engine(videos: Path, video_files: LocalStorage) -> Engine:
    """One that has no other models to make room of."""
    return Engine(Catalog.read(videos / "models.toml"), video_files, "cpu")


def test_memory_that_runs_out_once_costs_a_rung_and_no_clip(own_engine: Engine) -> None:
    told: list[int] = []

    def run_out(done: int, of: int, phase: str = "") -> None:
        told.append(done)
        if told.count(1) == 1 and done:
            raise MemoryError

    [[clip]] = own_engine.generate([order("ltx", T2V, num_frames=33)], run_out)

    assert clip.made["rung"] == "vae_tiling"
    assert clip.frames.shape[0] == 33


def test_a_clip_for_which_there_is_never_enough_memory_is_given_up(own_engine: Engine) -> None:
    def run_out(done: int, of: int, phase: str = "") -> None:
        if done:
            raise MemoryError

    with pytest.raises(OutOfMemory):
        own_engine.generate([order("ltx", T2V)], run_out)


@pytest.mark.parametrize("name", ["wan", "ltx", "cogvideox"])
def test_the_autoencoder_can_do_with_less_and_goes_back(videos: Path, name: str) -> None:
    model = loaded(videos, name)
    vae, pieces = model.pipeline.vae, ("use_tiling", "use_slicing", "use_framewise_decoding")
    states = []

    for saves in (True, False):
        model.save_memory(saves)
        states.append([getattr(vae, piece) for piece in pieces if hasattr(vae, piece)])

    assert (set(states[0]), set(states[1])) == ({True}, {False})


def change_with(change: Callable[[torch.Tensor], object], videos: Path, folder: Path, dtype: str) -> Engine:
    """An engine of a Wan model whose decoder's last numbers are changed."""
    pipeline = DiffusionPipeline.from_pretrained(videos / "wan")
    for numbers in pipeline.vae.decoder.conv_out.parameters():
        change(numbers.data)
    pipeline.save_pretrained(folder / "changed")
    (folder / "models.toml").write_text(entry("wan", source="changed", dtype=dtype))
    return Engine(Catalog.read(folder / "models.toml"), LocalStorage(folder), "cpu")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("value", [torch.nan, 0.0], ids=["not numbers", "grey"])
def test_a_clip_that_shows_nothing_is_not_delivered(videos: Path, tmp_path: Path, value: float, dtype: str) -> None:
    engine = change_with(lambda numbers: numbers.fill_(value), videos, tmp_path, dtype)

    with pytest.raises(BadPicture):
        engine.generate([order("wan", T2V)], quiet)


PICTURE = np.linspace(0, 1, 48).reshape(4, 4, 3)
BLACK = np.zeros((4, 4, 3))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([PICTURE, PICTURE], True),
        ([BLACK, PICTURE], True),
        ([BLACK, BLACK], False),
        ([PICTURE, BLACK + np.nan], False),
        ([BLACK + 0.2, BLACK + 0.9], False),
    ],
    ids=["pictures", "a fade", "black", "one without numbers", "two colours"],
)
def test_frames_are_a_clip_when_one_shows_something(frames: list[np.ndarray], expected: bool) -> None:
    assert is_clip(np.stack(frames)) is expected


def test_only_convolutions_over_pictures_are_laid_out_for_a_graphics_card(videos: Path, tmp_path: Path) -> None:
    save_tiny_model(tmp_path)
    still, moving = (DiffusionPipeline.from_pretrained(path) for path in (tmp_path, videos / "wan"))

    _lay_out(still, "cuda")
    _lay_out(moving, "cuda")

    last = torch.channels_last
    assert still.vae.decoder.conv_in.weight.is_contiguous(memory_format=last)
    assert moving.vae.decoder.conv_in.weight.is_contiguous()
