"""Models whose arithmetic breaks: their pictures are made again in full precision, or not delivered at all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline
from transformers import CLIPImageProcessor

from shared.catalog import Catalog
from shared.storage import LocalStorage
from tests.worker.families import alone, difference, entry, make, order
from worker.engine import Engine
from worker.errors import BadPicture, ContentRefused
from worker.pipelines.pixels import is_picture

MakeEngine = Callable[..., Engine]


@pytest.fixture
def engine_with(families: Path, tmp_path: Path) -> MakeEngine:
    """An engine whose tiny model has been changed by a function, and is computed with numbers of this type."""

    def make_engine(change: Callable[[DiffusionPipeline], None], dtype: str, others: str = "") -> Engine:
        pipeline = DiffusionPipeline.from_pretrained(families / "sd15")
        change(pipeline)
        pipeline.save_pretrained(tmp_path / "changed")
        (tmp_path / "models.toml").write_text(entry("sd15", source="changed", dtype=dtype, others=others))
        return Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")

    return make_engine


def overflow(pipeline: DiffusionPipeline) -> None:
    """Numbers on the way become larger than 65,504, which is the end of float16, and small again."""
    block = pipeline.vae.decoder.mid_block.resnets[0]
    block.conv2.weight.data *= 3e5


def nothing(pipeline: DiffusionPipeline) -> None:
    pipeline.vae.decoder.conv_out.weight.data *= torch.nan


def black(pipeline: DiffusionPipeline) -> None:
    pipeline.vae.decoder.conv_out.weight.data.zero_()
    pipeline.vae.decoder.conv_out.bias.data.fill_(-1)


def test_a_picture_that_short_numbers_break_is_made_in_long_ones(engine_with: MakeEngine) -> None:
    engine, exact = engine_with(overflow, "float16"), engine_with(overflow, "float32")

    [picture] = make(engine, order("sd15"))

    assert picture.made["dtype"] == "float32"
    assert difference(picture, *make(exact, order("sd15"))) < 32  # the weights were rounded once, when they were read


def test_the_model_is_as_before_afterwards(engine_with: MakeEngine) -> None:
    engine = engine_with(overflow, "float16")

    first, again = alone(engine, [order("sd15"), order("sd15")])

    assert difference(first, again) == 0


def test_in_a_batch_each_picture_is_made_again_by_itself(engine_with: MakeEngine) -> None:
    engine = engine_with(overflow, "float16")
    tasks = [order("sd15", seed=1), order("sd15", "blue", seed=2)]

    together, apart = make(engine, *tasks), alone(engine, tasks)

    assert [difference(*pair) for pair in zip(together, apart, strict=True)] == [0, 0]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("change", [nothing, black], ids=["not numbers", "black"])
def test_what_is_no_picture_in_long_numbers_either_is_not_delivered(
    engine_with: MakeEngine, change: Callable[[DiffusionPipeline], None], dtype: str
) -> None:
    engine = engine_with(change, dtype)

    with pytest.raises(BadPicture):
        make(engine, order("sd15"))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.zeros((4, 4, 3)), False),
        (np.ones((4, 4, 3)), False),
        (np.full((4, 4, 3), 0.5), False),
        (np.full((4, 4, 3), np.nan), False),
        (np.where(np.arange(48).reshape(4, 4, 3) == 7, np.inf, 0.5), False),
        (np.full((4, 4, 3), (0.1, 0.5, 0.9)), False),
        (np.full((4, 4, 3), 0.5) + np.arange(48).reshape(4, 4, 3) * 1e-6, False),
        (np.where(np.arange(48).reshape(4, 4, 3) == 7, 0.52, 0.5), True),
        (np.linspace(0, 1, 48).reshape(4, 4, 3), True),
    ],
    ids=["black", "white", "grey", "nan", "one inf", "one colour", "as good as grey", "one pixel", "a picture"],
)
def test_numbers_that_differ_are_a_picture(image: np.ndarray, expected: bool) -> None:
    assert is_picture(image) is expected


def add_checker(pipeline: DiffusionPipeline) -> None:
    """A safety checker that finds something in every picture: its thresholds are below everything."""
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    size = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPConfig(
        vision_config={**size, "image_size": 32, "patch_size": 16},
        text_config={**size, "vocab_size": 8},
        projection_dim=8,
    )
    checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights.data.fill_(-1)
    pipeline.register_modules(
        safety_checker=checker,
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    )


def test_what_the_models_safety_checker_finds_is_not_delivered(engine_with: MakeEngine) -> None:
    engine = engine_with(add_checker, "float32")

    with pytest.raises(ContentRefused):
        make(engine, order("sd15"))


def test_a_safety_checker_can_be_left_out(engine_with: MakeEngine, family_engine: Engine) -> None:
    engine = engine_with(add_checker, "float32", others="safety_checker = false")

    assert difference(*make(engine, order("sd15")), *make(family_engine, order("sd15"))) == 0
