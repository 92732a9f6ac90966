"""What a submitted task's user is told beside the answer: words that its model passes over."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from shared.catalog import Catalog
from tests.backend.conftest import Person
from tests.backend.provider_keys import created
from tests.fakes.provider import FakeProvider

ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this is asked of a database
PROMPT, NEGATIVE = "prompt", "parameters.negative_prompt"
SILENT = """
[[models]]
id = "silent"
source = "owner/name"
kinds = ["t2i"]
width = { min = 64, max = 256, default = 128 }
height = { min = 64, max = 256, default = 128 }
steps = { min = 1, max = 50, default = 20 }
guidance_scale = { min = 1, max = 20, default = 7.5 }
sampling_methods = ["DDIM"]
"""


def warned(person: Person, **body: Any) -> dict[str, list[str]]:
    """The words by field."""
    answer = person.submit(**body)
    assert answer.status_code == 200, answer.text
    found = answer.get_json()["data"]["warnings"]
    assert {warning["code"] for warning in found} <= {"unknown_words"}
    return {warning["field"]: warning["words"] for warning in found}


@ONLY_SQLITE
@pytest.mark.parametrize(
    "prompt", ["a red circle", "白色背景上的红色圆形", "A small house, under the stars!", "2 🎨 …"]
)
def test_a_prompt_of_known_words_has_no_warnings(alice: Person, prompt: str) -> None:
    assert warned(alice, prompt=prompt) == {}


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a fluffy red circle, masterpiece", ["fluffy", "masterpiece"]),
        ("a bored circle", ["bored"]),
        ("草地上的一只可爱的猫", ["可爱", "猫"]),
        ("雪地里的绿色圣诞树", ["圣诞"]),
        ("\u0301\u202ecafe\u0301 😀", ["café"]),
        ("{words} %s {0}", ["words", "s"]),
    ],
)
def test_words_that_the_model_does_not_know_are_named(alice: Person, prompt: str, words: list[str]) -> None:
    assert warned(alice, prompt=prompt) == {PROMPT: words}


def test_the_negative_prompt_has_a_warning_of_its_own(alice: Person) -> None:
    asked = {"negative_prompt": "blurry, red, 水印"}

    assert warned(alice, prompt="a cat", parameters=asked) == {PROMPT: ["cat"], NEGATIVE: ["blurry", "水印"]}


@ONLY_SQLITE
def test_no_more_than_twenty_words_are_named(alice: Person) -> None:
    prompt = " ".join(f"x{chr(97 + a)}{chr(97 + b)}" for a in range(10) for b in range(10))

    assert len(warned(alice, prompt=prompt)[PROMPT]) == 20


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("accepted", "message"),
    [
        ("en", "The model does not know these words and passes over them: cat, dog"),
        ("zh", "模型不认识以下词语，已忽略：cat, dog"),
    ],
)
def test_the_message_is_in_the_language_of_the_request(alice: Person, accepted: str, message: str) -> None:
    order = {"type": "t2i", "prompt": "a cat and a dog"}

    answer = alice.call("POST", "/api/v1/generation", json=order, headers={"Accept-Language": accepted})

    assert [warning["message"] for warning in answer.get_json()["data"]["warnings"]] == [message]


def test_a_replay_has_the_same_warnings(alice: Person) -> None:
    order = {"type": "t2i", "prompt": "a cat", "parameters": {"negative_prompt": "dog"}}

    first, second = (
        alice.call("POST", "/api/v1/generation", json=order, headers={"Idempotency-Key": "k"}).get_json()
        for _ in range(2)
    )

    assert first == second
    assert len(first["data"]["warnings"]) == 2


@ONLY_SQLITE
def test_a_model_that_names_no_vocabulary_knows_all_words(alice: Person, app: Flask, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(SILENT)
    resources = app.extensions["darkroom"]
    app.extensions["darkroom"] = replace(resources, catalog=Catalog.read(tmp_path / "models.toml"))

    assert warned(alice, prompt="a cat") == {}


@ONLY_SQLITE
def test_nobody_knows_what_words_a_provider_knows(alice: Person, fake: FakeProvider) -> None:
    created(alice, fake, model_name="darkroom-demo")

    assert warned(alice, prompt="a cat", parameters={"provider": "mine"}) == {}
