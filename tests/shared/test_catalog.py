"""The models file, and requests fitted into it."""

from pathlib import Path

import pytest

from shared.catalog import Catalog, InvalidCatalog
from shared.errors import Invalid
from shared.generation import Kind
from shared.settings import ROOT

MODEL = """
[[models]]
id = "one"
source = "folder"
kinds = ["t2i"]
width = { min = 64, max = 256, default = 128 }
height = { min = 64, max = 256, default = 96 }
steps = { min = 1, max = 50, default = 20 }
guidance_scale = { min = 1, max = 20, default = 7.5 }
sampling_methods = ["DDIM", "Euler a"]
"""


def read(folder: Path, text: str = MODEL) -> Catalog:
    path = folder / "models.toml"
    path.write_text(text)
    return Catalog.read(path)


def test_the_shipped_catalogue_offers_the_built_in_model() -> None:
    model = Catalog.read(ROOT / "shared" / "models.toml").choose(Kind.TEXT_TO_IMAGE, None)

    assert (model.width.min, model.width.max, model.width.default) == (64, 256, 128)


def test_what_is_not_asked_for_is_the_models_default(tmp_path: Path) -> None:
    parameters = read(tmp_path).models["one"].fit(Kind.TEXT_TO_IMAGE, {}, seed=9)

    assert (parameters.width, parameters.height, parameters.steps) == (128, 96, 20)
    assert (parameters.guidance_scale, parameters.sampling_method, parameters.num_images) == (7.5, "DDIM", 1)
    assert (parameters.seed, parameters.negative_prompt) == (9, "")


def test_a_seed_of_zero_is_a_seed(tmp_path: Path) -> None:
    assert read(tmp_path).models["one"].fit(Kind.TEXT_TO_IMAGE, {"seed": 0}, seed=9).seed == 0


@pytest.mark.parametrize("kind", [Kind.IMAGE_TO_IMAGE, Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO])
def test_a_kind_that_no_model_makes_is_named(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(Invalid) as caught:
        read(tmp_path).choose(kind, None)

    [problem] = caught.value.problems
    assert (problem.field, problem.code, problem.facts) == ("type", "unsupported_kind", {"kind": kind.value})


VIDEO = (
    MODEL.replace('["t2i"]', '["t2v", "i2v", "i2i"]')
    + """
num_frames = { min = 9, max = 81, default = 33 }
fps = { min = 8, max = 30, default = 16 }
"""
)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.IMAGE_TO_IMAGE, (0.6, None, None)),
        (Kind.TEXT_TO_VIDEO, (None, 33, 16)),
        (Kind.IMAGE_TO_VIDEO, (None, 33, 16)),
    ],
)
def test_a_kind_has_the_parameters_that_mean_something_to_it(tmp_path: Path, kind: Kind, expected: object) -> None:
    parameters = read(tmp_path, VIDEO).models["one"].fit(kind, {}, seed=0)

    assert (parameters.strength, parameters.num_frames, parameters.fps) == expected


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (Kind.TEXT_TO_VIDEO, {"strength": 0.5}),
        (Kind.IMAGE_TO_VIDEO, {"strength": 0.5}),
        (Kind.TEXT_TO_VIDEO, {"output_format": "png"}),
        (Kind.IMAGE_TO_IMAGE, {"num_frames": 9}),
        (Kind.IMAGE_TO_IMAGE, {"fps": 8}),
    ],
)
def test_a_parameter_that_means_nothing_to_a_kind_is_refused(
    tmp_path: Path, kind: Kind, asked: dict[str, object]
) -> None:
    with pytest.raises(Invalid) as caught:
        read(tmp_path, VIDEO).models["one"].fit(kind, asked, seed=0)

    assert [(p.field, p.code) for p in caught.value.problems] == [(f"parameters.{next(iter(asked))}", "not_applicable")]


@pytest.mark.parametrize(
    ("like", "size"),
    [((1000, 750), (128, 96)), ((500, 1000), (80, 160)), ((100, 100), (112, 112)), ((5000, 10), (256, 64))],
)
def test_without_a_size_the_result_has_the_proportions_of_its_reference(
    tmp_path: Path, like: tuple[int, int], size: tuple[int, int]
) -> None:
    parameters = read(tmp_path, VIDEO).models["one"].fit(Kind.IMAGE_TO_IMAGE, {}, seed=0, like=like)

    assert (parameters.width, parameters.height) == size


@pytest.mark.parametrize("asked", [{"width": 65}, {"height": 101}])
def test_a_video_has_even_sides(tmp_path: Path, asked: dict[str, int]) -> None:
    model = read(tmp_path, VIDEO).models["one"]

    with pytest.raises(Invalid) as caught:
        model.fit(Kind.TEXT_TO_VIDEO, asked, seed=0)

    assert [(p.field, p.code) for p in caught.value.problems] == [(f"parameters.{next(iter(asked))}", "odd")]
    assert model.fit(Kind.IMAGE_TO_IMAGE, asked, seed=0)


@pytest.mark.parametrize("like", [(1001, 751), (5, 3), (7919, 13)])
def test_a_video_like_its_reference_has_even_sides_too(tmp_path: Path, like: tuple[int, int]) -> None:
    parameters = read(tmp_path, VIDEO).models["one"].fit(Kind.IMAGE_TO_VIDEO, {}, seed=0, like=like)

    assert (parameters.width % 2, parameters.height % 2) == (0, 0)


def test_clips_are_made_one_at_a_time_whatever_the_entry_says(tmp_path: Path) -> None:
    model = read(tmp_path, VIDEO.replace(', "i2i"', "") + "max_batch = 8").models["one"]

    assert model.usual_batch(64, 64) == 1


def test_a_size_that_is_asked_for_counts_more_than_the_reference(tmp_path: Path) -> None:
    parameters = read(tmp_path, VIDEO).models["one"].fit(Kind.IMAGE_TO_IMAGE, {"width": 64}, seed=0, like=(500, 1000))

    assert (parameters.width, parameters.height) == (64, 96)


@pytest.mark.parametrize(("steps", "strength", "made"), [(20, 0.6, 12), (20, 1.0, 20), (1, 0.05, 1), (7, 0.5, 3)])
def test_a_reference_saves_the_steps_before_it(tmp_path: Path, steps: int, strength: float, made: int) -> None:
    model = read(tmp_path, VIDEO).models["one"]

    parameters = model.fit(Kind.IMAGE_TO_IMAGE, {"steps": steps, "strength": strength}, seed=0)

    assert parameters.denoising_steps == made


def test_a_folder_beside_the_file_is_found_and_a_hub_id_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    catalog = read(tmp_path, MODEL + MODEL.replace('"one"', '"two"').replace('"folder"', '"owner/name"'))

    assert catalog.models["one"].source == str(tmp_path / "folder")
    assert catalog.models["two"].source == "owner/name"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "models"),
        ("models = 1", "models"),
        ("not toml", "models.toml"),
        (MODEL.replace("max = 50", "max = 0"), "steps"),
        (MODEL.replace('"Euler a"', '"Magic"'), "sampling_methods"),
        (MODEL.replace('["t2i"]', '["t2x"]'), "kinds"),
        (MODEL + "surprise = 1", "surprise"),
        (MODEL.replace('["t2i"]', '["t2v"]'), "num_frames"),
        (VIDEO.replace("max = 256, default = 96", "max = 255, default = 96"), "even limits"),
        (VIDEO + "multiple = 1", "even multiple"),
        (MODEL + MODEL, "same id"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(InvalidCatalog, match=named):
        read(tmp_path, text)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalog, match=r"absent\.toml"):
        Catalog.read(tmp_path / "absent.toml")


def test_tasks_share_a_batch_key_when_only_what_is_free_differs(tmp_path: Path) -> None:
    model = read(tmp_path).models["one"]
    one = model.fit(Kind.TEXT_TO_IMAGE, {"seed": 1, "num_images": 2, "negative_prompt": "a"}, seed=0)
    other = model.fit(Kind.TEXT_TO_IMAGE, {"seed": 2}, seed=0)

    assert one.batch_key(Kind.TEXT_TO_IMAGE) == other.batch_key(Kind.TEXT_TO_IMAGE)


@pytest.mark.parametrize(
    "change", [{"width": 64}, {"height": 64}, {"steps": 5}, {"guidance_scale": 2.0}, {"sampling_method": "Euler a"}]
)
def test_what_a_pipeline_call_shares_parts_batches(tmp_path: Path, change: dict[str, object]) -> None:
    model = read(tmp_path).models["one"]
    usual, other = (model.fit(Kind.TEXT_TO_IMAGE, asked, seed=0) for asked in ({}, change))

    assert usual.batch_key(Kind.TEXT_TO_IMAGE) != other.batch_key(Kind.TEXT_TO_IMAGE)
