"""What running calls show of the pictures to come: of each family, sampler and layout of latents."""

import copy
import inspect
import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FluxPipeline, LTXPipeline, QwenImagePipeline
from PIL import Image

from shared.catalog import Catalog
from shared.claims import Claim
from shared.generation import Kind
from shared.settings import ROOT
from shared.storage import LocalStorage
from tests.fakes.board import FakeBoard
from tests.fakes.tiny_families import FAMILIES
from tests.orders import claim_of
from tests.worker import families as pictures
from tests.worker import videos as clips
from worker.batch import RUN
from worker.engine import Engine
from worker.media import Picture, read_image
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.loaded import Loaded
from worker.pipelines.request import Request
from worker.pipelines.samplers import SCHEDULERS, scheduler
from worker.pipelines.sketches import Sketch, _still
from worker.pipelines.watched import expected, watch
from worker.previews import Previews

DEMO = Catalog.read(ROOT / "shared" / "models.toml")
# Each way in which latents of clips lie, and where their samplers see only some of them.
LAYOUTS = [
    ("wan", clips.T2V),
    ("wan-both", clips.I2V),
    ("ltx", clips.T2V),
    ("ltx", clips.I2V),
    ("cogvideox", clips.T2V),
]
OF_DIFFUSION = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}


@cache
def loaded(models: Path, name: str) -> Loaded:
    """Once for all kinds: what is learnt of it takes a while."""
    return Loaded.from_model(Catalog.read(models / "models.toml").models[name], "cpu", Embeddings(0))


def shown(model: Loaded, claim: Claim, images: Sequence[Image.Image] = ()) -> tuple[list[list[Sketch]], Any]:
    """What can be seen after each step of a task, and what it has made."""
    seen: list[list[Sketch]] = []
    requests = list(Request.of(claim, images))
    made = RUN[claim.kind](model, requests, lambda done, of, look: seen.append(look()))
    return seen, made


def opened(sketch: Sketch) -> Image.Image:
    image = Image.open(io.BytesIO(sketch.encode()))
    assert image.format == "WEBP"
    return image.convert("RGB")


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_shows_a_picture_of_the_asked_shape(families: Path, name: str) -> None:
    seen, _ = shown(loaded(families, name), pictures.order(name, width=120, height=40, steps=3))

    assert [len(sketches) for sketches in seen] == [1, 1, 1]
    assert opened(seen[-1][0]).size == (120, 40)


@pytest.mark.parametrize(("name", "kind"), LAYOUTS)
def test_each_video_family_shows_a_picture_of_its_clip(
    videos: Path, video_files: LocalStorage, name: str, kind: Kind
) -> None:
    claim = clips.order(name, kind, width=48, height=32, steps=2, num_frames=9)
    references = [read_image(video_files, key) for key in claim.images]

    seen, _ = shown(loaded(videos, name), claim, references)

    assert [len(sketches) for sketches in seen] == [1, 1]
    assert opened(seen[-1][0]).size == (48, 32)


class Eager(Previews):
    """Shows every step, at once."""

    def offer(self, step: int, sketches: Callable[[], Sequence[Any]]) -> None:
        self._show(sketches())


@pytest.fixture(scope="module")
def board() -> FakeBoard:
    return FakeBoard()


@pytest.fixture(scope="module")
def demo(board: FakeBoard, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The built-in model, which knows colours."""
    storage = LocalStorage(tmp_path_factory.mktemp("references"))
    for colour in ("red", "blue"):
        clips.save_reference(storage, f"{colour}.png", Image.new("RGB", (64, 64), colour))
    return Engine(DEMO, storage, "cpu", previews=Eager(board))  # type: ignore[arg-type]


def like(colour: str, **parameters: Any) -> Claim:
    """A task whose picture will be of this colour."""
    usual = {"model": "darkroom-demo", "steps": 10, "strength": 0.3, "guidance_scale": 1.0}
    claim = claim_of(f"a {colour} square on a {colour} background", **{**usual, **parameters})
    images = (f"uploads/{colour}.png",)
    return replace(claim, public_id=f"task_{colour}", kind=Kind.IMAGE_TO_IMAGE, images=images)


def colour_of(data: bytes) -> str:
    """Red or blue."""
    red, _, blue = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).mean(axis=(0, 1))
    return "red" if red > blue else "blue"


def test_each_task_of_a_batch_shows_its_own_picture(demo: Engine, board: FakeBoard) -> None:
    board.shown.clear()

    demo.generate([like("red"), like("blue")], pictures.quiet)

    assert {task for task, *_ in board.shown} == {"task_red", "task_blue"}
    assert all(task == f"task_{colour_of(picture)}" for task, _, _, picture in board.shown)
    assert max(len(picture) for *_, picture in board.shown) < 8000


def test_a_task_of_several_pictures_shows_its_first_one(demo: Engine, board: FakeBoard) -> None:
    board.shown.clear()

    demo.generate([like("red", num_images=2)], pictures.quiet)

    assert [task for task, *_ in board.shown] == ["task_red"] * 3


def test_the_last_sketch_is_like_the_picture(demo: Engine, board: FakeBoard) -> None:
    board.shown.clear()
    claim = claim_of("a red circle on a white background", model="darkroom-demo", steps=8, width=128, height=96)

    [[picture]] = demo.generate([claim], pictures.quiet)

    assert isinstance(picture, Picture)
    sketch = Image.open(io.BytesIO(board.shown[-1][3])).convert("RGB")
    assert np.abs(np.asarray(sketch).astype(int) - picture.pixels).mean() < 30


def test_a_model_whose_latents_cannot_be_read_works_and_shows_nothing(families: Path) -> None:
    def broken(pixels: torch.Tensor) -> None:
        raise ValueError("another kind of autoencoder")

    model = loaded.__wrapped__(families, "sd15")
    model.pipeline.vae.encode = broken

    seen, made = shown(model, pictures.order("sd15"))

    assert (model.projection, seen, len(made)) == (None, [[], []], 1)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_at_the_last_step_what_a_sampler_expects_is_what_it_makes(name: str) -> None:
    sampler = scheduler(name, {} if name.startswith("Flow") else OF_DIFFUSION)
    watch(sampler)
    sampler.set_timesteps(4)
    chance = torch.Generator().manual_seed(0)
    sample = torch.randn(1, 4, 2, 2, generator=chance)

    for moment in sampler.timesteps:
        output = torch.randn(1, 4, 2, 2, generator=chance)
        sample = sampler.step(output, moment, sample, return_dict=False)[0]

    assert torch.allclose(expected(sampler), sample, atol=0.05)


def test_in_the_middle_a_flow_expects_where_it_leads() -> None:
    sampler = scheduler("Flow Euler", {})
    watch(sampler)
    sampler.set_timesteps(4)
    end, noise = torch.full((1, 4, 2, 2), 0.5), torch.randn(1, 4, 2, 2)

    sampler.step(noise - end, sampler.timesteps[0], noise, return_dict=False)

    assert torch.allclose(expected(sampler), end, atol=1e-5)


def test_a_watched_sampler_is_copied_whole_and_called_as_before() -> None:
    plain, sampler, told = scheduler("Euler a", OF_DIFFUSION), scheduler("Euler a", OF_DIFFUSION), []
    watch(sampler, lambda: told.append(1))
    sampler.set_timesteps(4)
    other = copy.deepcopy(sampler)

    other.step(torch.ones(1, 4, 2, 2), other.timesteps[0], torch.ones(1, 4, 2, 2))

    assert (sampler.step_index, other.step_index, told) == (None, 1, [1])
    assert inspect.signature(sampler.step).parameters.keys() == inspect.signature(plain.step).parameters.keys()


LATENTS = torch.randn(2, 16, 6, 10)
CLIP = torch.randn(1, 8, 5, 3, 4)


@pytest.mark.parametrize(
    ("packed", "plain", "pixels"),
    [
        (FluxPipeline._pack_latents(LATENTS, 2, 16, 6, 10), LATENTS, 8),
        (QwenImagePipeline._pack_latents(LATENTS, 2, 16, 6, 10), LATENTS, 8),
        (LTXPipeline._pack_latents(CLIP, 1, 1), CLIP[:, :, 2], 32),
        (CLIP, CLIP[:, :, 2], 32),
        (CLIP.transpose(1, 2), CLIP[:, :, 2], 32),
    ],
    ids=["FLUX", "Qwen-Image", "LTX", "Wan", "CogVideoX"],
)
def test_latents_are_unpacked_and_clips_seen_in_the_middle(
    packed: torch.Tensor, plain: torch.Tensor, pixels: int
) -> None:
    made = (plain.shape[-1] * pixels, plain.shape[-2] * pixels)

    found = _still(packed, plain.shape[1], made, pixels)

    assert found is not None
    assert torch.equal(found, plain)


@pytest.mark.parametrize("shape", [(1, 15, 3), (1, 7, 64), (1, 5, 6, 10), (1, 3, 2, 6, 10), (1, 16)], ids=str)
def test_latents_of_another_kind_are_left_alone(shape: tuple[int, ...]) -> None:
    assert _still(torch.zeros(shape), 16, (80, 48), 8) is None
