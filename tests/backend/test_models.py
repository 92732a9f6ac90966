"""The list of models."""

from dataclasses import replace
from pathlib import Path

from backend.services.models import Models
from shared.catalog import Catalog
from shared.generation import Kind
from tests.backend.conftest import Person

VIDEO = """
[[models]]
id = "moving"
source = "/a/secret/place"
kinds = ["t2v", "i2v"]
width = { min = 64, max = 256, default = 128 }
height = { min = 64, max = 256, default = 128 }
steps = { min = 1, max = 50, default = 20 }
guidance_scale = { min = 1, max = 20, default = 7.5 }
sampling_methods = ["DDIM", "Euler a"]
num_frames = { min = 9, max = 81, default = 33 }
fps = { min = 8, max = 30, default = 16 }
max_images = 2
"""


def offer_video(person: Person, folder: Path, more: str = "") -> None:
    """From now on the service's first model is one that makes video."""
    (folder / "video.toml").write_text(VIDEO + more)
    app = person.client.application
    resources = app.extensions["darkroom"]
    models = {**Catalog.read(folder / "video.toml").models, **resources.catalog.models}
    app.extensions["darkroom"] = replace(resources, catalog=Catalog(models))


def test_models_are_listed_with_their_limits_and_defaults(alice: Person) -> None:
    stills, clips = alice.call("GET", "/api/v1/models").get_json()["data"]

    assert (stills["id"], stills["kinds"], stills["default_for"]) == ("darkroom-demo", ["t2i", "i2i"], ["t2i", "i2i"])
    assert stills["width"] == {"min": 64, "max": 256, "default": 128}
    assert stills["strength"]["default"] == 0.7
    assert stills["num_frames"] is stills["fps"] is None
    assert "Euler a" in stills["sampling_methods"]
    assert (clips["kinds"], clips["default_for"]) == (["t2v", "i2v"], ["t2v", "i2v"])
    assert (clips["num_frames"]["default"], clips["fps"]["default"]) == (16, 8)


def test_where_a_model_lies_is_nobodys_business(alice: Person, tmp_path: Path) -> None:
    offer_video(alice, tmp_path)

    response = alice.call("GET", "/api/v1/models")

    assert "secret" not in response.get_data(as_text=True)
    assert [model["default_for"] for model in response.get_json()["data"]] == [["t2v", "i2v"], ["t2i", "i2i"], []]


def test_a_model_that_takes_no_strength_lists_none(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(VIDEO.replace('["t2v", "i2v"]', '["i2i"]') + "strength = false")

    [offer] = Models(Catalog.read(tmp_path / "models.toml")).offers()

    assert offer.strength is None


def test_a_task_with_the_listed_defaults_is_the_same_as_one_without(alice: Person) -> None:
    model = alice.call("GET", "/api/v1/models").get_json()["data"][0]
    asked = {name: model[name]["default"] for name in ("width", "height", "steps", "guidance_scale", "num_images")}

    plain = alice.submit(parameters={"seed": 1}).get_json()["data"]["parameters"]
    whole = alice.submit(parameters={"seed": 1, **{name: int(v) if v == int(v) else v for name, v in asked.items()}})

    assert whole.get_json()["data"]["parameters"] == plain


def test_a_video_is_queued_where_a_model_makes_one(alice: Person, tmp_path: Path) -> None:
    offer_video(alice, tmp_path)

    body = alice.submit(type="t2v", parameters={"num_frames": 9}).get_json()

    parameters = body["data"]["parameters"]
    assert (parameters["model"], parameters["num_frames"], parameters["fps"]) == ("moving", 9, 16)


def test_a_kind_that_the_models_class_does_not_make_is_refused_at_once(alice: Person, tmp_path: Path) -> None:
    offer_video(alice, tmp_path, 'pipeline = "WanPipeline"')

    listed = alice.call("GET", "/api/v1/models").get_json()["data"][0]["kinds"]
    response = alice.submit(type="i2v", image="x", parameters={"model": "moving"})

    assert listed == ["t2v"]
    assert response.status_code == 400
    assert {field["code"] for field in response.get_json()["error"]["fields"]} == {"model_lacks_kind"}


def test_without_a_model_that_makes_video_the_answer_names_what_is_missing(alice: Person) -> None:
    app = alice.client.application
    resources = app.extensions["darkroom"]
    stills = {id: model for id, model in resources.catalog.models.items() if Kind.TEXT_TO_VIDEO not in model.kinds}
    app.extensions["darkroom"] = replace(resources, catalog=Catalog(stills))

    response = alice.submit(type="t2v")

    [problem] = response.get_json()["error"]["fields"]
    assert (response.status_code, problem["field"], problem["code"]) == (400, "type", "unsupported_kind")
    assert "t2v" in problem["message"]
