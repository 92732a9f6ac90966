"""user as its OpenAPI document has it."""

import pytest
import schemathesis
from flask import Flask
from schemathesis import GenerationMode

from tests.contracts.driver import Driver, modes

OPERATIONS = [
    ("POST", "/auth/send-code"),
    ("POST", "/auth/verify-code"),
    ("POST", "/auth/reset-password"),
    ("GET", "/profile"),
    ("GET", "/me"),
    ("POST", "/update-password"),
    ("PUT", "/update-password"),
    ("POST", "/apis"),
    ("GET", "/apis"),
    ("GET", "/apis/{id}"),
    ("GET", "/apis/by-name/{name}"),
    ("GET", "/apis/default"),
    ("PUT", "/apis/{id}"),
    ("DELETE", "/apis/{id}"),
    ("POST", "/apis/{id}/test"),
]
SHARED = [("POST", "/register"), ("POST", "/login")]  # tried with gin's
ENDING_THE_TOKEN = [("POST", "/logout")]
RULED_BY_MORE = {
    "/auth/send-code",  # real addresses, here and in the next two
    "/auth/verify-code",
    "/auth/reset-password",
    "/apis",  # names that are part of a path, urls of machines on the open internet
    "/apis/{id}",
}


@pytest.fixture(scope="session")
def user(served: Flask, token: str) -> Driver:
    return Driver(schemathesis.openapi.from_wsgi("/openapi/user.json", served), token, RULED_BY_MORE)


def test_every_operation_is_tried_or_left_out_with_a_reason(user: Driver) -> None:
    assert user.documented == {*OPERATIONS, *SHARED, *ENDING_THE_TOKEN}


def test_the_key_is_documented_as_write_only(served: Flask) -> None:
    schemas = served.test_client().get("/openapi/user.json").get_json()["components"]["schemas"]

    assert schemas["NewApi"]["properties"]["api_key"]["writeOnly"] is True
    assert "api_key" not in schemas["Api"]["properties"]


@pytest.mark.parametrize(("method", "path", "mode"), modes(OPERATIONS))
def test_every_answer_is_one_that_the_document_has(user: Driver, method: str, path: str, mode: GenerationMode) -> None:
    user.drive(method, path, mode)
