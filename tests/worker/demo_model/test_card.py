"""The model card says what was measured, and it was measured on the weights that are shipped."""

import json

import pytest

from worker.demo_model import WEIGHTS
from worker.demo_model.judging.figures import row, weights_hashes

FOLDER = WEIGHTS.parent
CARD = (FOLDER / "README.md").read_text()
FIGURES = json.loads((FOLDER / "figures.json").read_text())


def test_the_shipped_weights_are_those_that_were_measured() -> None:
    assert FIGURES["weights"] == weights_hashes(WEIGHTS)


@pytest.mark.parametrize("mark", FIGURES["right"])
def test_the_card_repeats_every_measured_share_with_its_interval(mark: str) -> None:
    assert row(mark, FIGURES["right"][mark]) in CARD


def test_the_card_repeats_the_settings_and_the_time() -> None:
    settings = FIGURES["settings"]
    assert f"{settings['steps']} steps" in CARD
    assert f"guidance {settings['guidance']}" in CARD
    assert f"{FIGURES['seconds_per_picture']} seconds" in CARD


@pytest.mark.parametrize(("objects", "least"), [("one object", 80), ("two objects", 55)])
def test_pictures_are_right_in_everything_as_often_as_they_were(objects: str, least: int) -> None:
    assert FIGURES["right"]["everything"][objects]["percent"] >= least
