"""Parameters that only some tasks have: file format, reproducible, LoRAs, other names of sampling methods."""

from pathlib import Path
from typing import Any

import pytest

from shared.settings import ROOT, Settings
from tests.backend.conftest import Person

LORAS = """
loras = [
  { name = "ink", source = "ink.safetensors", description = "as if drawn" },
  { name = "oil", source = "oil.safetensors", weight = { min = 0, max = 1, default = 0.8 } },
]
"""


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The shipped model of stills, with LoRAs."""
    file = tmp_path / "models.toml"
    shipped = (ROOT / "shared" / "models.toml").read_text("utf-8")
    stills = shipped.partition("\n[[models]]")[2].partition("\n[[models]]")[0]
    stills = stills.replace('"vocabularies/', f'"{ROOT}/shared/vocabularies/')
    file.write_text(f"[[models]]{stills}{LORAS}", "utf-8")
    return settings.model_copy(update={"models_file": file})


def accepted(person: Person, **parameters: Any) -> dict[str, Any]:
    response = person.submit(parameters=parameters)
    assert response.status_code == 200, response.text
    data: dict[str, Any] = response.get_json()["data"]["parameters"]
    return data


def test_without_them_a_task_has_none_of_them(alice: Person) -> None:
    assert accepted(alice).keys() & {"output_format", "reproducible", "loras"} == set()


@pytest.mark.parametrize("format", ["png", "webp", "jpeg"])
def test_a_file_format_can_be_asked_for(alice: Person, format: str) -> None:
    assert accepted(alice, output_format=format)["output_format"] == format


def test_a_task_can_be_computed_alone(alice: Person) -> None:
    assert accepted(alice, reproducible=True)["reproducible"] is True


def test_a_lora_without_a_weight_gets_its_usual_one(alice: Person) -> None:
    asked = [{"name": "oil"}, {"name": "ink", "weight": -1}]

    assert accepted(alice, loras=asked)["loras"] == [{"name": "oil", "weight": 0.8}, {"name": "ink", "weight": -1.0}]


def test_the_list_of_models_names_the_loras(alice: Person) -> None:
    [model] = alice.call("GET", "/api/v1/models").get_json()["data"]

    assert [(lora["name"], lora["description"], lora["weight"]["default"]) for lora in model["loras"]] == [
        ("ink", "as if drawn", 1),
        ("oil", "", 0.8),
    ]
    assert "safetensors" not in str(model)


@pytest.mark.parametrize(
    ("name", "method"), [("euler_a", "Euler a"), ("k_euler", "Euler"), ("dpmpp_2m", "DPM++ 2M"), ("uni-pc", "UniPC")]
)
def test_a_sampling_method_may_have_the_name_that_others_give_it(alice: Person, name: str, method: str) -> None:
    assert accepted(alice, sampling_method=name)["sampling_method"] == method


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"output_format": "gif"}, "parameters.output_format"),
        ({"output_format": "PNG"}, "parameters.output_format"),
        ({"output_format": 1}, "parameters.output_format"),
        ({"output_format": ["png"]}, "parameters.output_format"),
        ({"reproducible": "yes"}, "parameters.reproducible"),
        ({"reproducible": 1}, "parameters.reproducible"),
        ({"loras": "ink"}, "parameters.loras"),
        ({"loras": {"name": "ink"}}, "parameters.loras"),
        ({"loras": ["ink"]}, "parameters.loras.0"),
        ({"loras": [{}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": ""}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "unknown"}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "Ink"}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "in\0k"}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "😀" * 64}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "x" * 1_000_000}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "../ink"}]}, "parameters.loras.0.name"),
        ({"loras": [{"name": "ink"}, {"name": "ink"}]}, "parameters.loras.1.name"),
        ({"loras": [{"name": "ink", "weight": 2.01}]}, "parameters.loras.0.weight"),
        ({"loras": [{"name": "ink", "weight": "1"}]}, "parameters.loras.0.weight"),
        ({"loras": [{"name": "ink", "weight": True}]}, "parameters.loras.0.weight"),
        ({"loras": [{"name": "ink", "source": "/etc/passwd"}]}, "parameters.loras.0.source"),
        ({"loras": [{"name": "ink"}] * 9}, "parameters.loras"),
        ({"sampling_method": "magic"}, "parameters.sampling_method"),
        ({"sampling_method": "flow_match"}, "parameters.sampling_method"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_named(alice: Person, parameters: dict[str, Any], field: str) -> None:
    response = alice.submit(parameters=parameters)

    assert response.status_code == 400
    assert [problem["field"] for problem in response.get_json()["error"]["fields"]][:1] == [field]


@pytest.mark.parametrize("weight", ["Infinity", "NaN", "-Infinity", "1e999"])
def test_a_weight_is_a_finite_number(alice: Person, weight: str) -> None:
    body = '{"type": "t2i", "prompt": "a", "parameters": {"loras": [{"name": "ink", "weight": %s}]}}' % weight  # noqa: UP031

    response = alice.call("POST", "/api/v1/generation", data=body, content_type="application/json")

    assert response.status_code == 400
