"""v1 as its OpenAPI document has it, tried by generated requests, good and bad."""

from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from backend import auth, create_app
from backend.wiring import services
from shared import db, migrations
from shared.settings import Settings
from tests.conftest import SECRET, Stack

EXAMPLES = 25


@pytest.fixture(scope="session")
def served(sqlite_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The app on a database of its own: generated requests leave things behind."""
    folder: Path = tmp_path_factory.mktemp("contracts")
    configured = Settings(_env_file=None, secret_key=SECRET, data_dir=folder, broker_url=sqlite_stack.broker_url)
    migrations.upgrade(db.connect(configured.database))
    app = create_app(configured)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


@pytest.fixture(scope="session")
def token(served: Flask) -> str:
    with served.app_context():
        return auth.issue(services().accounts.register("tester", "tester@example.com", "User@1234")).text


@pytest.fixture(scope="session")
def v1(served: Flask) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi/v1.json", served)


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
    ("GET", "/api/v1/models"),
    ("POST", "/api/v1/upload"),
    ("GET", "/api/v1/user/generation_list"),
    ("POST", "/api/v1/user/generation_list"),
    ("GET", "/api/v1/user/favorite_list"),
    ("POST", "/api/v1/user/favorite_list"),
    ("POST", "/api/v1/user/favorite_list/batch"),
    ("PATCH", "/api/v1/user/favorite_list/{collection_id}"),
    ("DELETE", "/api/v1/user/favorite_list/{collection_id}"),
    ("GET", "/generated_outputs/{name}"),
]
STREAMS = [("GET", "/api/v1/generation/{task_id}/events"), ("GET", "/api/v1/user/events")]  # they do not end
ENDING_THE_TOKEN = [("POST", "/api/v1/auth/logout"), ("POST", "/api/v1/user/reset-password")]
OWN_TOKEN = [ignored_auth]  # the token comes from here, not from the generated case
BEYOND_SCHEMA = [*OWN_TOKEN, positive_data_acceptance]
RULED_BY_MORE = {
    "/api/v1/auth/register",  # printable names
    "/api/v1/auth/forgot-password",  # real addresses, here and in the next two
    "/api/v1/auth/reset-password",
    "/api/v1/user/reset-email",
    "/api/v1/generation",  # the chosen model's limits
    "/api/v1/upload",  # real pictures
    "/api/v1/user/generation_list",  # times, cursors, one kind of paging, NUL
    "/api/v1/user/favorite_list",  # the tree, here and below
    "/api/v1/user/favorite_list/batch",
    "/api/v1/user/favorite_list/{collection_id}",
}


def test_every_operation_is_tried_or_left_out_with_a_reason(v1: BaseSchema) -> None:
    documented = {(result.ok().method.upper(), result.ok().path) for result in v1.get_all_operations()}

    assert documented == {*OPERATIONS, *STREAMS, *ENDING_THE_TOKEN}


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        *((method, path, GenerationMode.POSITIVE) for method, path in OPERATIONS),
        # a path alone cannot be bad: every text is a name that may exist
        *((method, path, GenerationMode.NEGATIVE) for method, path in OPERATIONS if method in {"POST", "PATCH"}),
    ],
)
def test_every_answer_is_one_that_the_document_has(
    v1: BaseSchema, token: str, method: str, path: str, mode: GenerationMode
) -> None:
    operation = v1[path][method]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def try_it(case: schemathesis.Case) -> None:
        response = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(response, excluded_checks=BEYOND_SCHEMA if path in RULED_BY_MORE else OWN_TOKEN)
        assert response.status_code < 500

    try_it()
