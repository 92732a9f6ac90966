"""v1 as its OpenAPI document has it."""

import pytest
import schemathesis
from flask import Flask
from schemathesis import GenerationMode

from tests.contracts.driver import Driver, modes

OPERATIONS = [
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/forgot-password"),
    ("POST", "/api/v1/auth/reset-password"),
    ("POST", "/api/v1/user/reset-email"),
    ("POST", "/api/v1/generation"),
    ("GET", "/api/v1/generation"),
    ("GET", "/api/v1/generation/{task_id}"),
    ("DELETE", "/api/v1/generation/{task_id}"),
    ("POST", "/api/v1/generation/{task_id}/retry"),
    ("GET", "/api/v1/generation/{task_id}/preview"),
    ("GET", "/api/v1/models"),
    ("POST", "/api/v1/upload"),
    ("GET", "/api/v1/user/generation_list"),
    ("POST", "/api/v1/user/generation_list"),
    ("GET", "/api/v1/user/favorite_list"),
    ("POST", "/api/v1/user/favorite_list"),
    ("POST", "/api/v1/user/favorite_list/batch"),
    ("PATCH", "/api/v1/user/favorite_list/{collection_id}"),
    ("DELETE", "/api/v1/user/favorite_list/{collection_id}"),
    ("GET", "/api/v1/user/usage"),
    ("GET", "/api/v1/user/takeout"),
    ("GET", "/api/v1/trash"),
    ("POST", "/api/v1/trash/restore"),
    ("DELETE", "/api/v1/trash/{item_id}"),
    ("DELETE", "/api/v1/trash"),
    ("GET", "/api/v1/trash/thumbnails/{name}"),
    ("POST", "/api/v1/user/apis"),
    ("GET", "/api/v1/user/apis"),
    ("GET", "/api/v1/user/apis/{id}"),
    ("GET", "/api/v1/user/apis/by-name/{name}"),
    ("GET", "/api/v1/user/apis/default"),
    ("PUT", "/api/v1/user/apis/{id}"),
    ("DELETE", "/api/v1/user/apis/{id}"),
    ("POST", "/api/v1/user/apis/{id}/test"),
    ("POST", "/api/v1/prompts/enhance"),
    ("GET", "/generated_outputs/{name}"),
]
STREAMS = [("GET", "/api/v1/generation/{task_id}/events"), ("GET", "/api/v1/user/events")]  # they do not end
ENDING_THE_TOKEN = [
    ("POST", "/api/v1/auth/logout"),
    ("POST", "/api/v1/user/reset-password"),
    ("DELETE", "/api/v1/user/account"),
]
RULED_BY_MORE = {
    "/api/v1/auth/register",  # printable names
    "/api/v1/auth/forgot-password",  # real addresses, here and in the next two
    "/api/v1/auth/reset-password",
    "/api/v1/user/reset-email",
    "/api/v1/generation",  # the chosen model's limits
    "/api/v1/upload",  # real pictures
    "/api/v1/user/generation_list",  # times, cursors, one kind of paging, NUL
    "/api/v1/trash",  # cursors
    "/api/v1/trash/restore",  # items that are there
    "/api/v1/user/apis",  # names that are part of a path, urls of machines on the open internet, here and in the next
    "/api/v1/user/apis/{id}",
    "/api/v1/prompts/enhance",  # one of the caller's own keys
    "/api/v1/user/favorite_list",  # the tree, here and below
    "/api/v1/user/favorite_list/batch",
    "/api/v1/user/favorite_list/{collection_id}",
}

LENIENT = {"/api/v1/upload"}  # the part with the file may have any name


@pytest.fixture(scope="session")
def v1(served: Flask, token: str) -> Driver:
    return Driver(schemathesis.openapi.from_wsgi("/openapi/v1.json", served), token, RULED_BY_MORE, LENIENT)


def test_every_operation_is_tried_or_left_out_with_a_reason(v1: Driver) -> None:
    assert v1.documented == {*OPERATIONS, *STREAMS, *ENDING_THE_TOKEN}


@pytest.mark.parametrize(("method", "path", "mode"), modes(OPERATIONS))
def test_every_answer_is_one_that_the_document_has(v1: Driver, method: str, path: str, mode: GenerationMode) -> None:
    v1.drive(method, path, mode)


def test_no_query_is_taken_that_is_not_valid(v1: Driver) -> None:
    v1.ask_wrongly()
