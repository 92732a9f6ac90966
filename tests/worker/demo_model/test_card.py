"""The model card says what was measured."""

import json

import pytest

from worker.demo_model import WEIGHTS

FOLDER = WEIGHTS.parent
CARD = (FOLDER / "README.md").read_text()
FIGURES = json.loads((FOLDER / "figures.json").read_text())


@pytest.mark.parametrize("name", FIGURES["right"])
def test_the_card_repeats_every_measured_share(name: str) -> None:
    share = FIGURES["right"][name]
    row = f"| {name} | {share['all']} % | {share['one object']} % | {share['two objects']} % |"
    assert row in CARD


def test_the_card_repeats_the_settings_and_the_time() -> None:
    settings = FIGURES["settings"]
    assert f"{settings['steps']} steps" in CARD
    assert f"guidance {settings['guidance']}" in CARD
    assert f"{FIGURES['prompts']['all']} prompts" in CARD
    assert f"{FIGURES['seconds_per_picture']} seconds" in CARD


def test_background_and_colours_are_right_on_nine_prompts_of_ten() -> None:
    assert FIGURES["right"]["background and object colours"]["all"] >= 90
