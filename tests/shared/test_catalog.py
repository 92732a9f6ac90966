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
    parameters = read(tmp_path).models["one"].fit({}, seed=9)

    assert (parameters.width, parameters.height, parameters.steps) == (128, 96, 20)
    assert (parameters.guidance_scale, parameters.sampling_method, parameters.num_images) == (7.5, "DDIM", 1)
    assert (parameters.seed, parameters.negative_prompt) == (9, "")


def test_a_seed_of_zero_is_a_seed(tmp_path: Path) -> None:
    assert read(tmp_path).models["one"].fit({"seed": 0}, seed=9).seed == 0


@pytest.mark.parametrize("kind", [Kind.IMAGE_TO_IMAGE, Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO])
def test_a_kind_that_no_model_makes_is_named(tmp_path: Path, kind: Kind) -> None:
    with pytest.raises(Invalid, match=kind.value):
        read(tmp_path).choose(kind, None)


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
    one = model.fit({"seed": 1, "num_images": 2, "negative_prompt": "a"}, seed=0)
    other = model.fit({"seed": 2}, seed=0)

    assert one.batch_key(Kind.TEXT_TO_IMAGE) == other.batch_key(Kind.TEXT_TO_IMAGE)


@pytest.mark.parametrize(
    "change", [{"width": 64}, {"height": 64}, {"steps": 5}, {"guidance_scale": 2.0}, {"sampling_method": "Euler a"}]
)
def test_what_a_pipeline_call_shares_parts_batches(tmp_path: Path, change: dict[str, object]) -> None:
    model = read(tmp_path).models["one"]

    assert model.fit({}, seed=0).batch_key(Kind.TEXT_TO_IMAGE) != model.fit(change, seed=0).batch_key(
        Kind.TEXT_TO_IMAGE
    )
