"""One user base behind five contracts: whoever signs up through one is at home in all, and so is every picture."""

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest
import redis

from tests.end_to_end.service import PASSWORD, Client, Service

SIGN_UPS = ("v1", "image", "gin", "user", "captcha")


class Guest:
    """Somebody who knows every contract."""

    def __init__(self, service: Service, account: str) -> None:
        self.service = service
        self.account = account
        self.token = ""

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """The answer's JSON; it must be a success."""
        headers = {"Content-Type": "application/json"}
        if held := token or self.token:
            headers["Authorization"] = held
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.service.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.status} {error.read()!r}") from error

    def sign_up(self, contract: str) -> None:
        """Through this contract, as its own clients do."""
        named = {"username": self.account, "email": f"{self.account}@example.com", "password": PASSWORD}
        if contract == "v1":
            self.call("POST", "/api/v1/auth/register", {"account": self.account, **_without(named, "username")})
        elif contract == "image":
            self._send_form("/api/auth/register", named)
        elif contract in {"gin", "user"}:
            self.call("POST", "/register", named)
        else:
            captcha = self.call("GET", "/captcha")["captchaId"]
            self.call("POST", "/signup", {**named, "captchaId": captcha, "value": self._answer(captcha)})

    def log_in(self) -> dict[str, str]:
        """A token from each way to log in."""
        named = {"username": self.account, "password": PASSWORD}
        root = self.call("POST", "/login", named)
        return {
            "v1": self.call("POST", "/api/v1/auth/login", {"account": self.account, "password": PASSWORD})["data"][
                "token"
            ],
            "image": self.call("POST", "/api/auth/login", named)["data"]["token"],
            "gin": root["data"]["token"],
            "captcha": root["session_token"],
        }

    def histories(self) -> dict[str, list[str]]:
        """The prompts in each contract's history, sorted."""
        image = self.call("GET", "/api/v1/images/history")["data"]["records"]
        found = {
            "v1": self.call("GET", "/api/v1/user/generation_list")["data"],
            "image": image,
            "gin": self.call("GET", "/auth/history")["data"],
        }
        return {contract: sorted(record["prompt"] for record in records) for contract, records in found.items()}

    def _send_form(self, path: str, fields: dict[str, str]) -> None:
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items()
        ]
        body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        with urllib.request.urlopen(
            urllib.request.Request(self.service.url + path, body, headers), timeout=30
        ) as answer:
            assert json.load(answer)["status"] == "success"

    def _answer(self, captcha: str) -> str:
        """What the picture shows: read where the service itself keeps it."""
        url = self.service.environment.get("BROKER_URL") or f"unix://{self.service.data_dir / 'run' / 'broker.sock'}"
        connection = redis.Redis.from_url(url, decode_responses=True)
        [key] = [key for key in connection.scan_iter() if captcha in key]
        return str(connection.get(key))


@pytest.mark.parametrize("contract", SIGN_UPS)
def test_whoever_signs_up_through_one_contract_is_at_home_in_all(service: Service, contract: str) -> None:
    guest = Guest(service, f"guest_{contract}")
    guest.sign_up(contract)

    tokens = guest.log_in()

    for token in (*tokens.values(), *(f"Bearer {token}" for token in tokens.values())):
        assert guest.call("GET", "/api/auth/profile", token=token)["data"]["username"] == guest.account
        assert guest.call("GET", "/profile", token=token)["data"]["username"] == guest.account
        assert guest.call("GET", "/auth/getavatar", token=token)["code"] == 200
        assert guest.call("GET", "/api/v1/user/generation_list", token=token)["data"] == []


def test_a_picture_made_through_one_contract_is_in_the_history_of_all(service: Service) -> None:
    guest = Guest(service, "painter")
    guest.sign_up("v1")
    guest.token = guest.log_in()["gin"]

    made = guest.call("POST", "/auth/generate", {"prompt": "by gin", "height": 200, "width": 220, "steps": 4})
    guest.call(
        "POST", "/api/v1/images/generate-test", {"prompt": "by image", "params": {"model": "test_model", "steps": 4}}
    )
    task = guest.call("POST", "/api/v1/generation", {"type": "t2i", "prompt": "by v1", "parameters": {"steps": 2}})
    Client(service).log_in("painter").result(task["data"]["task_id"])

    made_by_all = ["by gin", "by image", "by v1"]
    assert guest.histories() == {"v1": made_by_all, "image": made_by_all, "gin": made_by_all}
    assert made["data"]["url"].startswith("/generated_outputs/")


def test_what_changes_through_one_contract_has_changed_for_all(service: Service) -> None:
    guest = Guest(service, "changeling")
    guest.sign_up("gin")
    guest.token = guest.log_in()["v1"]
    made = guest.call("POST", "/auth/generate", {"prompt": "a favourite", "steps": 2})["data"]
    root = guest.call("GET", "/api/v1/user/favorite_list")["data"][0]["id"]
    node = {"parent_id": root, "name": "kept.png", "node_type": "file", "refer_url": made["url"]}

    guest.call("POST", "/api/v1/user/favorite_list", node)
    kept = guest.call("GET", "/auth/favorites")["data"]
    guest.call("POST", "/api/v1/user/generation_list", {"result_url": made["url"]})

    assert [favorite["result"] for favorite in kept] == [made["url"]]
    assert guest.call("GET", "/auth/favorites")["data"] == []
    assert guest.histories() == {"v1": [], "image": [], "gin": []}


def _without(fields: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in fields.items() if key != name}
