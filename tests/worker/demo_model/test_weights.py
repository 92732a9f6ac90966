"""The shipped weights: small, loadable, repeatable, and good at what the card says."""

import numpy as np
import pytest
from diffusers import StableDiffusionPipeline

from tests.worker.demo_model.conftest import Draw
from worker.demo_model import MOTION, WEIGHTS
from worker.demo_model.judging.seeing import look

FILES = [path for path in WEIGHTS.rglob("*") if path.is_file()]


def test_all_weights_together_are_small() -> None:
    assert WEIGHTS / MOTION / "diffusion_pytorch_model.safetensors" in FILES
    assert sum(path.stat().st_size for path in FILES) <= 40_000_000


def test_no_weights_are_pickled_and_no_file_says_where_it_was_made() -> None:
    assert {path.suffix for path in FILES} == {".json", ".safetensors"}
    assert [path for path in FILES if path.suffix == ".json" and "_name_or_path" in path.read_text()] == []


def test_the_pipeline_has_no_safety_checker_to_miss(pipeline: StableDiffusionPipeline) -> None:
    assert pipeline.safety_checker is None
    assert pipeline.config.requires_safety_checker is False


def test_the_same_seed_gives_the_same_picture_and_another_seed_another(draw: Draw) -> None:
    first, again, other = (draw("a red circle on a white background", seed) for seed in (5, 5, 6))
    assert first.size == (128, 128)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize(
    ("prompt", "background", "colours"),
    [
        ("a blue circle on a white background", "white", {"blue"}),
        ("a large yellow triangle in the top left on a black background", "black", {"yellow"}),
        ("a red circle to the left of a blue square on a white background", "white", {"red", "blue"}),
        ("a green star above a purple circle on a grey background", "grey", {"green", "purple"}),
        ("an orange heart on a blue background", "blue", {"orange"}),
        ("a large white house in the night sky", "night", {"white"}),
        ("白色背景上的红色圆形", "white", {"red"}),
    ],
)
def test_a_picture_has_the_asked_colours(draw: Draw, prompt: str, background: str, colours: set[str]) -> None:
    view = look(draw(prompt))
    assert view.background == background
    assert {one.colour for one in view.objects} == colours


@pytest.mark.parametrize("prompt", ["", "一个红色的圆 🎨", "qwxz blorf", "a red circle " * 154])
def test_any_prompt_gives_a_picture(draw: Draw, prompt: str) -> None:
    assert draw(prompt, steps=2).size == (128, 128)


@pytest.mark.parametrize("side", [64, 72, 200, 256])
def test_other_sizes_keep_the_background(draw: Draw, side: int) -> None:
    picture = draw("a red circle on a white background", side=side, steps=8)
    assert picture.size == (side, side)
    assert np.median(np.asarray(picture)) > 230
