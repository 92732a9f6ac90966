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
MOST_SECONDS_A_PICTURE, MOST_SECONDS_A_CLIP, LEAST_PSNR = 1.5, 10.0, 25.0
CARD = (FOLDER / "README.md").read_text()
SENTENCES = " ".join(CARD.split())  # wherever their lines end
FIGURES = json.loads((FOLDER / "figures.json").read_text())
QUICK = FIGURES["in_few_steps"]
CLIPS = json.loads((FOLDER / "clip_figures.json").read_text())
WAYS = ("from words", "from a picture")
STEERING = json.loads((FOLDER / "steering.json").read_text())


@pytest.mark.parametrize("measured", [FIGURES, STEERING, CLIPS], ids=["figures", "steering", "clips"])
def test_the_shipped_weights_are_those_that_were_measured(measured: dict[str, Any]) -> None:
    assert measured["weights"] == weights_hashes(WEIGHTS)


@pytest.mark.parametrize("mark", FIGURES["right"])
def test_the_card_repeats_every_measured_share_with_its_interval(mark: str) -> None:
    assert row(mark, FIGURES["right"][mark]) in CARD


def test_the_card_repeats_the_settings_and_the_time() -> None:
    settings = FIGURES["settings"]
    assert f"{settings['steps']} steps of {settings['sampling']}" in SENTENCES
    assert f"guidance {settings['guidance']}" in SENTENCES
    assert f"{FIGURES['seconds_per_picture']} seconds" in SENTENCES


def test_the_card_repeats_what_a_few_steps_come_to() -> None:
    assert f"{QUICK['steps']} steps" in SENTENCES
    assert f"{QUICK['seconds_per_picture']} seconds" in SENTENCES
    assert row("everything", QUICK["everything"]) in CARD


def test_pictures_are_measured_as_the_service_draws_them() -> None:
    model = Catalog.read(ROOT / "shared" / "models.toml").models["darkroom-demo"]
    settings = FIGURES["settings"]

    assert (model.steps.default, model.guidance_scale.default) == (settings["steps"], settings["guidance"])
    assert model.sampling_methods[0] == settings["sampling"]
    assert QUICK["sampling"] in model.sampling_methods
    assert FIGURES["seconds_per_picture"] <= MOST_SECONDS_A_PICTURE


@pytest.mark.parametrize("line", rows(STEERING))
def test_the_card_repeats_what_steers_the_model(line: str) -> None:
    assert line in CARD


@pytest.mark.parametrize("mark", CLIPS[WAYS[0]]["right"])
def test_the_card_repeats_how_many_clips_are_right(mark: str) -> None:
    assert row(mark, {way: CLIPS[way]["right"][mark] for way in WAYS}) in CARD


def test_the_card_repeats_how_long_a_clip_takes_and_how_true_its_first_frame_is() -> None:
    assert f"a clip takes {CLIPS['seconds_per_clip']} seconds" in SENTENCES
    assert f"at least {CLIPS[WAYS[1]]['least_psnr']} dB" in SENTENCES
    assert f"{CLIPS[WAYS[1]]['median_psnr']} dB in the middle" in SENTENCES
    assert f"{CLIPS[WAYS[0]]['clips']} clips" in SENTENCES


def test_clips_are_measured_as_the_service_makes_them() -> None:
    model = Catalog.read(ROOT / "shared" / "models.toml").models["darkroom-demo-clips"]
    settings = CLIPS["settings"]

    assert (model.steps.default, model.guidance_scale.default) == (settings["steps"], settings["guidance"])
    assert model.sampling_methods[0] == settings["sampling"]
    assert CLIPS["seconds_per_clip"] <= MOST_SECONDS_A_CLIP
    assert CLIPS[WAYS[1]]["least_psnr"] >= LEAST_PSNR


@pytest.mark.parametrize(("objects", "least"), [("one object", 95), ("two objects", 85)])
def test_pictures_are_right_in_everything_as_often_as_they_were(objects: str, least: int) -> None:
    assert FIGURES["right"]["everything"][objects]["percent"] >= least


@pytest.mark.parametrize(("way", "least"), list(zip(WAYS, (85, 90), strict=True)))
def test_clips_are_right_in_everything_as_often_as_they_were(way: str, least: int) -> None:
    assert CLIPS[way]["right"]["everything"]["percent"] >= least
