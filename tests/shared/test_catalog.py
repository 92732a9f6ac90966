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


def offering_lcm(folder: Path) -> Catalog:
    text = MODEL.replace('"Euler a"', '"LCM"').replace("max = 50, default = 20", "max = 100, default = 80")
    return read(folder, text)


@pytest.mark.parametrize("name", ["LCM", "lcm", "LCMScheduler"])
def test_more_steps_than_the_sampling_method_has_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid) as caught:
        offering_lcm(tmp_path).models["one"].fit(Kind.TEXT_TO_IMAGE, {"sampling_method": name, "steps": 51}, seed=0)

    [problem] = caught.value.problems
    assert (problem.field, problem.code, problem.facts["max"]) == ("parameters.steps", "out_of_range", "50")


@pytest.mark.parametrize(("asked", "steps"), [({}, 80), ({"sampling_method": "LCM"}, 50), ({"steps": 100}, 100)])
def test_without_a_number_of_steps_there_are_as_many_as_the_sampling_method_has(
    tmp_path: Path, asked: dict[str, object], steps: int
) -> None:
    assert offering_lcm(tmp_path).models["one"].fit(Kind.TEXT_TO_IMAGE, asked, seed=0).steps == steps


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


def test_a_model_that_sees_the_whole_reference_has_no_strength(tmp_path: Path) -> None:
    model = read(tmp_path, VIDEO + "strength = false").models["one"]

    with pytest.raises(Invalid) as caught:
        model.fit(Kind.IMAGE_TO_IMAGE, {"strength": 0.5}, seed=0)

    assert [(p.field, p.code) for p in caught.value.problems] == [("parameters.strength", "not_applicable")]
    assert model.fit(Kind.IMAGE_TO_IMAGE, {}, seed=0).strength is None


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


@pytest.mark.parametrize(
    ("value", "content", "said"),
    [
        ('"words.txt"', None, "models.0.vocabulary.*words.txt.*No such file"),
        ('"words.txt"', "", "models.0.vocabulary.*words.txt.*has no words"),
        ('"words.txt"', "red\ntwo words", "models.0.vocabulary.*words.txt.*line 2"),
        ('"."', None, "models.0.vocabulary.*directory"),
        ("1", None, "models.0.vocabulary.*path"),
        ('["words.txt"]', None, "models.0.vocabulary.*path"),
    ],
)
def test_a_vocabulary_that_is_wrong_says_where(tmp_path: Path, value: str, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "words.txt").write_text(content)

    with pytest.raises(InvalidCatalog, match=said):
        read(tmp_path, MODEL + f"vocabulary = {value}")


def test_a_vocabulary_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("red\ncircle\n")

    vocabulary = read(tmp_path, MODEL + 'vocabulary = "words.txt"').models["one"].vocabulary

    assert vocabulary
    assert vocabulary.unknown("a red circle", 20) == ("a",)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalog, match=r"absent\.toml"):
        Catalog.read(tmp_path / "absent.toml")


def test_tasks_share_a_batch_key_when_only_what_is_free_differs(tmp_path: Path) -> None:
    model = read(tmp_path).models["one"]
    one = model.fit(Kind.TEXT_TO_IMAGE, {"seed": 1, "num_images": 2, "negative_prompt": "a"}, seed=0)
    other = model.fit(Kind.TEXT_TO_IMAGE, {"seed": 2}, seed=0)

    assert one.batch_key(Kind.TEXT_TO_IMAGE) == other.batch_key(Kind.TEXT_TO_IMAGE)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (Kind.IMAGE_TO_IMAGE, {"width": 64}),
        (Kind.IMAGE_TO_IMAGE, {"height": 64}),
        (Kind.IMAGE_TO_IMAGE, {"steps": 5}),
        (Kind.IMAGE_TO_IMAGE, {"guidance_scale": 2.0}),
        (Kind.IMAGE_TO_IMAGE, {"sampling_method": "Euler a"}),
        (Kind.IMAGE_TO_IMAGE, {"strength": 0.5}),
        (Kind.IMAGE_TO_IMAGE, {"reproducible": True}),
        (Kind.IMAGE_TO_IMAGE, {"loras": [{"name": "ink"}]}),
        (Kind.TEXT_TO_VIDEO, {"num_frames": 9}),
        (Kind.TEXT_TO_VIDEO, {"fps": 8}),
    ],
)
def test_what_a_pipeline_call_shares_parts_batches(tmp_path: Path, kind: Kind, change: dict[str, object]) -> None:
    model = read(tmp_path, VIDEO + 'loras = [{ name = "ink", source = "owner/ink" }]').models["one"]
    usual, other = (model.fit(kind, asked, seed=0) for asked in ({}, change))

    assert usual.batch_key(kind) != other.batch_key(kind)


def test_kinds_and_models_never_share_a_batch(tmp_path: Path) -> None:
    catalog = read(tmp_path, VIDEO + VIDEO.replace('"one"', '"two"'))
    one, two = (catalog.models[name].fit(Kind.TEXT_TO_VIDEO, {}, seed=0) for name in ("one", "two"))

    keys = {one.batch_key(Kind.TEXT_TO_VIDEO), one.batch_key(Kind.IMAGE_TO_VIDEO), two.batch_key(Kind.TEXT_TO_VIDEO)}

    assert len(keys) == 3


def with_index(folder: Path, index: str, text: str = VIDEO) -> Catalog:
    (folder / "folder").mkdir()
    (folder / "folder" / "model_index.json").write_text(index)
    return read(folder, text)


def test_kinds_that_the_models_files_are_not_for_are_not_offered(tmp_path: Path) -> None:
    catalog = with_index(tmp_path, '{"_class_name": "LTXPipeline"}')

    assert catalog.models["one"].kinds == {Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO}
    assert catalog.lacking == {"one": {Kind.IMAGE_TO_IMAGE}}


@pytest.mark.parametrize("index", ["{}", "[]", "no JSON", '{"_class_name": ["a.module", "Class"]}'])
def test_files_that_do_not_say_what_they_are_leave_an_entry_as_it_is(tmp_path: Path, index: str) -> None:
    catalog = with_index(tmp_path, index)

    assert len(catalog.models["one"].kinds) == 3
    assert catalog.lacking == {}


def test_files_that_are_not_here_yet_leave_an_entry_as_it_is(tmp_path: Path) -> None:
    assert len(read(tmp_path, VIDEO).models["one"].kinds) == 3


def test_an_entry_may_say_itself_which_class_it_is(tmp_path: Path) -> None:
    catalog = read(tmp_path, VIDEO + 'pipeline = "WanPipeline"\n')

    assert catalog.models["one"].kinds == {Kind.TEXT_TO_VIDEO}


@pytest.mark.parametrize(
    ("config", "more"),
    [
        ('{"_class_name": "MotionAdapter"}', set()),
        ('{"takes_first_frame": true}', {Kind.IMAGE_TO_VIDEO}),
        (None, {Kind.IMAGE_TO_VIDEO}),
    ],
)
def test_motion_modules_make_clips_of_a_model_of_stills(tmp_path: Path, config: str | None, more: set[Kind]) -> None:
    """Where they are not here, what they have learnt is left to the entry."""
    (tmp_path / "motion").mkdir()
    if config:
        (tmp_path / "motion" / "config.json").write_text(config)

    catalog = with_index(tmp_path, '{"_class_name": "StableDiffusionPipeline"}', VIDEO + 'motion_adapter = "motion"\n')

    assert catalog.models["one"].motion_adapter == str(tmp_path / "motion")
    assert catalog.models["one"].kinds == {Kind.TEXT_TO_VIDEO} | more


def test_a_model_that_makes_nothing_of_what_it_is_for_is_not_offered(tmp_path: Path) -> None:
    other = MODEL.replace('"one"', '"two"').replace('"folder"', '"elsewhere"')

    catalog = with_index(tmp_path, '{"_class_name": "WanPipeline"}', MODEL + other)

    assert list(catalog.models) == ["two"]
    assert catalog.lacking == {"one": {Kind.TEXT_TO_IMAGE}}


def test_without_any_model_that_makes_anything_there_is_no_catalogue(tmp_path: Path) -> None:
    with pytest.raises(InvalidCatalog, match="no model"):
        with_index(tmp_path, '{"_class_name": "WanPipeline"}', MODEL)
