"""Each family through its real classes: sizes, parameters, batches, kinds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from shared.catalog import Catalog
from shared.claims import Claim
from shared.generation import Kind
from shared.kinds import BOTH_KINDS, BY_CLASS, FOR_BOTH, kinds_of
from shared.storage import LocalStorage
from tests.fakes.tiny_families import FAMILIES
from tests.worker.families import (
    TOLERANCE,
    alone,
    difference,
    entry,
    from_picture,
    make,
    order,
    quiet,
    told_at_the_start,
)
from worker.engine import Engine
from worker.errors import KindUnsupported, ModelUnavailable
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.families import CLASSES, class_for
from worker.pipelines.loaded import Loaded

PROMPTS = ("a red circle", "b", "the blue square on a green field")

family = pytest.mark.parametrize("name", FAMILIES)


def strangers(name: str, **parameters: object) -> list[Claim]:
    """Tasks of three users that share nothing but their batch key."""
    first, second, third = (order(name, prompt, seed=seed, **parameters) for seed, prompt in enumerate(PROMPTS))
    return [first, replace(second, parameters=replace(second.parameters, negative_prompt="noise")), third]


@family
@pytest.mark.parametrize(("width", "height"), [(64, 64), (70, 65), (17, 33)])
def test_a_picture_has_exactly_the_size_that_was_asked_for(
    family_engine: Engine, name: str, width: int, height: int
) -> None:
    [picture] = make(family_engine, order(name, width=width, height=height))

    assert picture.pixels.shape == (height, width, 3)


@family
def test_a_reference_is_made_to_the_asked_size(family_engine: Engine, family_files: LocalStorage, name: str) -> None:
    [picture] = make(family_engine, from_picture(order(name, width=70, height=50), "red", family_files))

    assert picture.pixels.shape == (50, 70, 3)


@family
@pytest.mark.parametrize(
    "change",
    [{"prompt": "zebra"}, {"negative_prompt": "zebra"}, {"guidance_scale": 9.0}, {"steps": 3}, {"seed": 8}],
    ids=lambda change: next(iter(change)),
)
def test_a_parameter_changes_the_picture(family_engine: Engine, name: str, change: dict[str, object]) -> None:
    usual, other = alone(family_engine, [order(name), order(name, **change)])

    assert difference(usual, other) > TOLERANCE


@family
@pytest.mark.parametrize("change", [{"colour": "blue"}, {"strength": 0.9}], ids=lambda change: next(iter(change)))
def test_reference_and_strength_change_the_picture(
    family_engine: Engine, family_files: LocalStorage, name: str, change: dict[str, object]
) -> None:
    usual = from_picture(order(name), "red", family_files, strength=0.3)
    other = from_picture(order(name), **{"colour": "red", "storage": family_files, "strength": 0.3, **change})

    assert difference(*alone(family_engine, [usual, other])) > TOLERANCE


@family
def test_the_same_task_gives_the_same_bytes_again(family_engine: Engine, name: str) -> None:
    task = order(name)

    first, again = alone(family_engine, [task, task])

    assert first.encode(task).data == again.encode(task).data


@family
def test_each_picture_of_a_task_counts_the_seed_up(family_engine: Engine, name: str) -> None:
    [pictures] = family_engine.generate([order(name, seed=7, num_images=2)], quiet)

    assert [picture.seed for picture in pictures] == [7, 8]
    assert difference(pictures[1], *make(family_engine, order(name, seed=8))) <= TOLERANCE


class Called(TorchFunctionMode):
    """Notes which of torch's functions are called within it."""

    def __init__(self) -> None:
        super().__init__()
        self.functions: set[Callable[..., Any]] = set()

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.functions.add(func)
        return func(*args, **(kwargs or {}))


@family
def test_attention_is_computed_by_torchs_fused_function(family_engine: Engine, name: str) -> None:
    with Called() as called:
        make(family_engine, order(name))

    assert functional.scaled_dot_product_attention in called.functions
    assert torch.baddbmm not in called.functions


@family
def test_a_batched_picture_equals_the_solo_one(family_engine: Engine, name: str) -> None:
    tasks = strangers(name)

    together, apart = make(family_engine, *tasks), alone(family_engine, tasks)

    assert [difference(*pair) <= TOLERANCE for pair in zip(together, apart, strict=True)] == [True] * 3


@family
def test_a_batched_picture_from_a_reference_equals_the_solo_one(
    family_engine: Engine, family_files: LocalStorage, name: str
) -> None:
    tasks = [from_picture(t, c, family_files) for t, c in zip(strangers(name), ("red", "blue", "grey"), strict=True)]

    together, apart = make(family_engine, *tasks), alone(family_engine, tasks)

    assert [difference(*pair) <= TOLERANCE for pair in zip(together, apart, strict=True)] == [True] * 3


@family
def test_a_reproducible_picture_is_the_solo_one_to_the_byte(family_engine: Engine, name: str) -> None:
    tasks = strangers(name, reproducible=True)

    together, apart = make(family_engine, *tasks), alone(family_engine, tasks)

    assert [difference(*pair) for pair in zip(together, apart, strict=True)] == [0, 0, 0]


@family
def test_each_step_is_told(family_engine: Engine, family_files: LocalStorage, name: str) -> None:
    told: list[tuple[int, int]] = []

    family_engine.generate(
        [from_picture(order(name), "red", family_files, steps=5, strength=0.5)],
        lambda step, steps, phase="": told.append((step, steps)),
    )

    made = told[-1][1]
    assert made in {2, 3}  # diffusers' families round half a step differently
    assert told == [(step, made) for step in range(1, made + 1)]


@family
def test_kinds_share_their_weights_and_leave_their_numbers_as_they_are(families: Path, name: str) -> None:
    model = Catalog.read(families / "models.toml").models[name].model_copy(update={"dtype": "bfloat16"})
    loaded = Loaded.from_model(model, "cpu", Embeddings(0))

    parts = [loaded.pipeline_for(kind).components for kind in (Kind.TEXT_TO_IMAGE, Kind.IMAGE_TO_IMAGE)]

    assert all(parts[0][part] is parts[1][part] for part in ("vae", "text_encoder"))
    assert all(loaded.denoiser in part.values() for part in parts)
    assert {parameter.dtype for parameter in loaded.denoiser.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(("name", "multiple"), [("sd15", 8), ("sdxl", 8), ("sd3", 16), ("flux", 16), ("z-image", 16)])
def test_a_model_knows_which_sizes_it_makes(families: Path, name: str, multiple: int) -> None:
    loaded = Loaded.from_model(Catalog.read(families / "models.toml").models[name], "cpu", Embeddings(0))

    assert loaded.multiple == multiple


@pytest.mark.parametrize(
    ("came_with", "kinds"),
    [
        ("StableDiffusionXLPipeline", {"t2i", "i2i"}),
        ("QwenImagePipeline", {"t2i", "i2i"}),
        ("FluxKontextPipeline", {"t2i", "i2i"}),
        ("PixArtSigmaPipeline", {"t2i"}),
        ("QwenImageEditPipeline", {"i2i"}),
        ("WanPipeline", {"t2v"}),
        ("WanImageToVideoPipeline", {"i2v"}),
        ("LTXPipeline", {"t2v", "i2v"}),
        ("CogVideoXPipeline", {"t2v"}),
        ("NothingOfTheKind", set()),
    ],
)
def test_what_a_class_makes_is_known(came_with: str, kinds: set[str]) -> None:
    assert kinds_of(came_with) == {Kind(kind) for kind in kinds}


def kinds_in_diffusers(came_with: str, **config: bool) -> set[Kind]:
    return {kind for kind in Kind if class_for(came_with, kind, config)}


def test_the_web_tier_knows_of_each_class_what_the_worker_finds_in_diffusers() -> None:
    names = {made.__name__ for table in CLASSES.values() for made in table.values()}

    assert {name: kinds_in_diffusers(name) for name in names} == BY_CLASS


@pytest.mark.parametrize(("name", "says"), FOR_BOTH.items())
def test_it_knows_of_weights_for_both_kinds_too(name: str, says: str) -> None:
    assert kinds_of(name, {says: True}) == kinds_in_diffusers(name, **{says: True}) == BOTH_KINDS


@pytest.mark.parametrize(
    ("name", "change", "problem"),
    [
        ("sd15", ('"i2i"]', '"i2i", "t2v"]\nnum_frames = FRAMES\nfps = FRAMES'), "does not make t2v"),
        ("flux", ('"Flow Euler"', '"Flow Euler", "DDIM"'), "does not go with DDIM"),
        ("sdxl", ('"LCM"', '"LCM", "Flow Euler"'), "does not go with Flow Euler"),
    ],
)
def test_an_entry_that_promises_too_much_is_told_at_the_start(
    families: Path, tmp_path: Path, name: str, change: tuple[str, str], problem: str
) -> None:
    frames = "{ min = 1, max = 9, default = 9 }"
    text = entry(name, source=str(families / name)).replace(*change).replace("FRAMES", frames)
    (tmp_path / "models.toml").write_text(text)

    [(model, told)] = told_at_the_start(tmp_path / "models.toml")

    assert model == name
    assert problem in told


def test_entries_that_keep_their_promises_are_no_problem(families: Path) -> None:
    assert told_at_the_start(families / "models.toml") == []


def test_a_sampling_method_that_the_model_cannot_do_fails_its_tasks_alone(families: Path, tmp_path: Path) -> None:
    wrong = entry("flux", source=str(families / "flux")).replace('"Flow Euler"', '"Flow Euler", "DDIM"')
    (tmp_path / "models.toml").write_text(wrong + entry("sd15", source=str(families / "sd15")))
    engine = Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")

    with pytest.raises(ModelUnavailable):
        make(engine, order("flux"))

    assert make(engine, order("sd15"))


def test_a_kind_that_the_entry_does_not_name_is_refused(families: Path, tmp_path: Path) -> None:
    only = entry("sd15", source=str(families / "sd15")).replace('["t2i", "i2i"]', '["t2i"]')
    (tmp_path / "models.toml").write_text(only)
    engine = Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")

    with pytest.raises(KindUnsupported):
        make(engine, replace(order("sd15"), kind=Kind.IMAGE_TO_IMAGE))
