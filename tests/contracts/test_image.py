"""The image contract as its OpenAPI document has it."""

import pytest
import schemathesis
from flask import Flask
from schemathesis import GenerationMode

from tests.contracts.driver import Driver, modes

OPERATIONS = [
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/login"),
    ("GET", "/api/auth/profile"),
    ("GET", "/api/uploads/avatars/{name}"),
    ("GET", "/api/v1/images/history"),
    ("POST", "/api/v1/images/generate-test"),
    ("GET", "/api/uploads/generated_images/{user_id}/{name}"),
]
RULED_BY_MORE = {
    "/api/auth/register",  # printable names, real addresses and pictures
    "/api/v1/images/history",  # times, cursors, one kind of paging, NUL
    "/api/v1/images/generate-test",  # the chosen model's limits
    "/api/uploads/generated_images/{user_id}/{name}",  # one's own number
}


@pytest.fixture(scope="session")
def image(served: Flask, token: str) -> Driver:
    return Driver(schemathesis.openapi.from_wsgi("/openapi/image.json", served), token, RULED_BY_MORE)


def test_every_operation_is_tried(image: Driver) -> None:
    assert image.documented == set(OPERATIONS)


def test_the_picture_of_a_form_is_documented_as_a_file(served: Flask) -> None:
    document = served.test_client().get("/openapi/image.json").get_json()

    form = document["components"]["schemas"]["Registration"]["properties"]
    assert {"type": "string", "format": "binary"} in form["avatar"]["anyOf"]


def test_both_answers_to_a_generation_are_documented(served: Flask) -> None:
    document = served.test_client().get("/openapi/image.json").get_json()

    responses = document["paths"]["/api/v1/images/generate-test"]["post"]["responses"]
    assert {"200", "202"} <= set(responses)


@pytest.mark.parametrize(("method", "path", "mode"), modes(OPERATIONS))
def test_every_answer_is_one_that_the_document_has(image: Driver, method: str, path: str, mode: GenerationMode) -> None:
    image.drive(method, path, mode)


def test_no_query_is_taken_that_is_not_valid(image: Driver) -> None:
    image.ask_wrongly()
