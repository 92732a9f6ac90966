"""A provider that the service may ask, and calls about keys in either contract."""

from typing import Any

from werkzeug.test import TestResponse

from tests.backend.conftest import Person
from tests.fakes.provider import KEY, FakeProvider

ROOT, V1 = "/apis", "/api/v1/user/apis"


def new(fake: FakeProvider, **changes: Any) -> dict[str, Any]:
    """A good body; `...` leaves a field out."""
    body = {"api_name": "mine", "api_key": KEY, "model_name": "tiny-chat", "base_url": fake.base_url, **changes}
    return {name: value for name, value in body.items() if value is not ...}


def create(person: Person, fake: FakeProvider, at: str = ROOT, **changes: Any) -> TestResponse:
    return person.call("POST", at, json=new(fake, **changes))


def created(person: Person, fake: FakeProvider, at: str = ROOT, **changes: Any) -> int:
    """The id of a new key."""
    response = create(person, fake, at, **changes)
    assert response.status_code == 200, response.text
    number: int = response.get_json()["data"]["id"]
    return number


def problem(response: TestResponse) -> tuple[int, str, str]:
    """The status of a refusal, and the field and code of its first problem."""
    body = response.get_json()
    fields = body["fields"] if "fields" in body else body["error"]["fields"]
    return response.status_code, fields[0]["field"], fields[0]["code"]


def reason(response: TestResponse) -> tuple[int, str]:
    """The status of a refusal, and its stable code."""
    body = response.get_json()
    return response.status_code, body["reason"] if "reason" in body else body["error"]["code"]
