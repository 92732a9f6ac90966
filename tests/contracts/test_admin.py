"""The administration as its OpenAPI document has it."""

import pytest
import schemathesis
from flask import Flask
from schemathesis import GenerationMode

from backend import auth
from backend.wiring import services
from tests.contracts.driver import Driver, modes

ADMIN = "/api/v1/admin"
OPERATIONS = [
    ("GET", f"{ADMIN}/workers"),
    ("POST", f"{ADMIN}/workers/{{name}}/drain"),
    ("POST", f"{ADMIN}/workers/{{name}}/resume"),
    ("GET", f"{ADMIN}/queue"),
    ("GET", f"{ADMIN}/scale"),
    ("GET", f"{ADMIN}/tasks"),
    ("GET", f"{ADMIN}/tasks/{{task_id}}"),
    ("DELETE", f"{ADMIN}/tasks/{{task_id}}"),
    ("POST", f"{ADMIN}/tasks/{{task_id}}/retry"),
    ("GET", f"{ADMIN}/failed"),
    ("POST", f"{ADMIN}/failed/requeue"),
    ("GET", f"{ADMIN}/users"),
    ("POST", f"{ADMIN}/users"),
    ("GET", f"{ADMIN}/users/{{user_id}}"),
    ("PATCH", f"{ADMIN}/users/{{user_id}}"),
    ("POST", f"{ADMIN}/users/{{user_id}}/disable"),
    ("POST", f"{ADMIN}/users/{{user_id}}/enable"),
    ("POST", f"{ADMIN}/users/{{user_id}}/password/mail"),
    ("GET", f"{ADMIN}/models"),
    ("GET", f"{ADMIN}/storage"),
    ("GET", f"{ADMIN}/audit"),
]
ENDING_TOKENS = [  # also the one that the tests come with
    ("POST", f"{ADMIN}/users/{{user_id}}/password"),
    ("DELETE", f"{ADMIN}/users/{{user_id}}"),
]
RULED_BY_MORE = {
    f"{ADMIN}/tasks",  # times, cursors, NUL; here and below
    f"{ADMIN}/failed",
    f"{ADMIN}/failed/requeue",
    f"{ADMIN}/users",  # printable names and real addresses too
    f"{ADMIN}/audit",
    f"{ADMIN}/users/{{user_id}}",  # whole numbers that are written as such
}


@pytest.fixture(scope="session")
def admin(served: Flask) -> Driver:
    with served.app_context():
        account = services().accounts.register("admin", "admin@example.com", "User@1234", role="admin")
        token = auth.issue(account).text
    return Driver(schemathesis.openapi.from_wsgi("/openapi/admin.json", served), token, RULED_BY_MORE)


def test_every_operation_is_tried_or_left_out_with_a_reason(admin: Driver) -> None:
    assert admin.documented == {*OPERATIONS, *ENDING_TOKENS}


@pytest.mark.parametrize(("method", "path", "mode"), modes(OPERATIONS))
def test_every_answer_is_one_that_the_document_has(admin: Driver, method: str, path: str, mode: GenerationMode) -> None:
    admin.drive(method, path, mode)


def test_no_query_is_taken_that_is_not_valid(admin: Driver) -> None:
    admin.ask_wrongly()
