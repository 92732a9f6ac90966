"""gin, user and captcha as their OpenAPI documents have them."""

import pytest
import schemathesis
from flask import Flask
from schemathesis import GenerationMode

from tests.contracts.driver import Driver, modes

ACCOUNTS = [("POST", "/register"), ("POST", "/login")]
GIN = [
    *ACCOUNTS,
    ("POST", "/auth/generate"),
    ("POST", "/auth/setavatar"),
    ("GET", "/auth/getavatar"),
    ("GET", "/auth/history"),
    ("GET", "/auth/favorites"),
]
CAPTCHA = [("POST", "/login"), ("POST", "/signup"), ("GET", "/captcha"), ("GET", "/captcha/{captcha_id}")]
RULED_BY_MORE = {
    "/register",  # printable names and real addresses, here and in the next
    "/signup",  # and the captcha's digits
    "/auth/generate",  # the chosen model's limits
    "/auth/setavatar",  # names that lead somewhere
    "/auth/history",  # times, cursors, one kind of paging, NUL
}


@pytest.fixture(scope="session")
def gin(served: Flask, token: str) -> Driver:
    return Driver(schemathesis.openapi.from_wsgi("/openapi/gin.json", served), token, RULED_BY_MORE)


@pytest.fixture(scope="session")
def captcha(served: Flask, token: str) -> Driver:
    return Driver(schemathesis.openapi.from_wsgi("/openapi/captcha.json", served), token, RULED_BY_MORE)


def test_every_operation_of_gin_is_tried(gin: Driver) -> None:
    assert gin.documented == set(GIN)


def test_every_operation_of_captcha_is_tried(captcha: Driver) -> None:
    assert captcha.documented == set(CAPTCHA)


def test_what_gin_and_user_share_is_in_both_documents(served: Flask) -> None:
    paths = served.test_client().get("/openapi/user.json").get_json()["paths"]

    assert {path for _, path in ACCOUNTS} <= set(paths)


def test_both_answers_to_a_generation_are_documented(served: Flask) -> None:
    document = served.test_client().get("/openapi/gin.json").get_json()

    assert {"200", "202"} <= set(document["paths"]["/auth/generate"]["post"]["responses"])


@pytest.mark.parametrize(("method", "path", "mode"), modes(GIN))
def test_every_answer_of_gin_is_one_that_the_document_has(
    gin: Driver, method: str, path: str, mode: GenerationMode
) -> None:
    gin.drive(method, path, mode)


@pytest.mark.parametrize(("method", "path", "mode"), modes(CAPTCHA))
def test_every_answer_of_captcha_is_one_that_the_document_has(
    captcha: Driver, method: str, path: str, mode: GenerationMode
) -> None:
    captcha.drive(method, path, mode)


def test_no_query_of_gin_is_taken_that_is_not_valid(gin: Driver) -> None:
    gin.ask_wrongly()
