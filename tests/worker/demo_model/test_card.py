"""The model card says what was measured, and it was measured on the weights that are shipped."""

import json
from typing import Any

import pytest

from shared.catalog import Catalog
from shared.settings import ROOT
from worker.demo_model import WEIGHTS
from worker.demo_model.evaluate_steering import rows
from worker.demo_model.judging.figures import row, weights_hashes

FOLDER = WEIGHTS.parent
CARD = (FOLDER / "README.md").read_text()
SENTENCES = " ".join(CARD.split())  # wherever their lines end
FIGURES = json.loads((FOLDER / "figures.json").read_text())
QUICK = FIGURES["in_few_steps"]
STEERING = json.loads((FOLDER / "steering.json").read_text())


@pytest.mark.parametrize("measured", [FIGURES, STEERING], ids=["figures", "steering"])
def test_the_shipped_weights_are_those_that_were_measured(measured: dict[str, Any]) -> None:
    assert measured["weights"] == weights_hashes(WEIGHTS)


@pytest.mark.parametrize("mark", FIGURES["right"])
def test_the_card_repeats_every_measured_share_with_its_interval(mark: str) -> None:
    assert row(mark, FIGURES["right"][mark]) in CARD


def test_the_card_repeats_the_settings_and_the_time() -> None:
    settings = FIGURES["settings"]
    assert f"{settings['steps']} steps" in SENTENCES
    assert f"guidance {settings['guidance']}" in SENTENCES
    assert f"{FIGURES['seconds_per_picture']} seconds" in SENTENCES


def test_the_card_repeats_what_a_few_steps_come_to() -> None:
    assert f"{QUICK['steps']} steps" in SENTENCES
    assert f"{QUICK['seconds_per_picture']} seconds" in SENTENCES
    assert row("everything", QUICK["everything"]) in CARD


def test_the_few_steps_are_what_the_service_does() -> None:
    model = Catalog.read(ROOT / "shared" / "models.toml").models["darkroom-demo"]

    assert (model.steps.default, model.sampling_methods[0]) == (QUICK["steps"], QUICK["sampling"])
    assert model.guidance_scale.default == FIGURES["settings"]["guidance"]


@pytest.mark.parametrize("line", rows(STEERING))
def test_the_card_repeats_what_steers_the_model(line: str) -> None:
    assert line in CARD


@pytest.mark.parametrize(("objects", "least"), [("one object", 80), ("two objects", 55)])
def test_pictures_are_right_in_everything_as_often_as_they_were(objects: str, least: int) -> None:
    assert FIGURES["right"]["everything"][objects]["percent"] >= least
