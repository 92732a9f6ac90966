"""What all documents say of the headers that come with answers, and of those that a client asks for less with."""

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate

NAMES = ("v1", "image", "gin", "user", "captcha", "admin")
TASK, TASKS = "/api/v1/generation/{task_id}", "/api/v1/generation"


def document(served: Flask, name: str) -> dict[str, Any]:
    found: dict[str, Any] = served.test_client().get(f"/openapi/{name}.json").get_json()
    return found


def operations(served: Flask, name: str) -> dict[str, dict[str, Any]]:
    paths = document(served, name)["paths"]
    return {f"{method} {path}": found for path, methods in paths.items() for method, found in methods.items()}


def sent(operation: dict[str, Any], status: str) -> set[str]:
    return set(operation["responses"][status].get("headers", {}))


def understood(operation: dict[str, Any]) -> set[str]:
    """The headers of HTTP itself."""
    return {found["$ref"].rpartition("/")[2] for found in operation["parameters"] if "$ref" in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_valid(served: Flask, name: str) -> None:
    found = document(served, name)

    assert validate(found) is None
    assert found["paths"]


@pytest.mark.parametrize("name", NAMES)
def test_whoever_is_to_come_later_is_told_when(served: Flask, name: str) -> None:
    later = [
        sent(operation, status)
        for operation in operations(served, name).values()
        for status in operation["responses"].keys() & {"429", "503"}
    ]

    assert later
    assert all("Retry-After" in headers for headers in later)


@pytest.mark.parametrize("name", NAMES)
def test_whoever_has_no_good_token_is_told_what_one_is(served: Flask, name: str) -> None:
    tokens = [found for found in operations(served, name).values() if {"bearer": []} in found["security"]]

    assert all("WWW-Authenticate" in sent(operation, "401") for operation in tokens)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (
            "v1",
            {
                f"get {TASK}",
                f"get {TASKS}",
                f"get {TASK}/preview",
                "get /generated_outputs/{name}",
                "get /api/v1/trash/thumbnails/{name}",
            },
        ),
        ("image", {"get /api/uploads/avatars/{name}", "get /api/uploads/generated_images/{user_id}/{name}"}),
    ],
)
def test_what_a_client_has_already_is_asked_for_by_its_tag(served: Flask, name: str, known: set[str]) -> None:
    found = operations(served, name)

    tagged = {path for path, operation in found.items() if "304" in operation["responses"]}

    assert tagged == known
    assert all({"ETag"} == sent(found[path], "200") == sent(found[path], "304") for path in known)
    assert all("If-None-Match" in understood(found[path]) for path in known)


@pytest.mark.parametrize(
    ("name", "path"),
    [("v1", "get /generated_outputs/{name}"), ("image", "get /api/uploads/avatars/{name}")],
)
def test_a_file_is_sent_in_parts_too(served: Flask, name: str, path: str) -> None:
    operation = operations(served, name)[path]

    assert understood(operation) == {"If-None-Match", "Range"}
    assert (sent(operation, "206"), sent(operation, "416")) == ({"ETag", "Content-Range"}, {"Content-Range"})
    assert operation["responses"]["206"]["content"] == operation["responses"]["200"]["content"]
    assert sent(operation, "302") == {"Location"}


def test_only_a_tasks_own_stream_has_an_end(served: Flask) -> None:
    ending = {path for path, found in operations(served, "v1").items() if "204" in found["responses"]}

    assert ending == {f"get {TASK}/events"}
