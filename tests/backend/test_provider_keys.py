"""Users' provider keys in both contracts that have them, on both stacks."""

from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from backend.services.provider_keys import MOST_KEYS, ProviderKeys
from shared import clock, db
from shared.errors import ApiKeysFull, ApiNameTaken, AppError
from shared.models import ProviderKey, User
from shared.room import Room
from shared.settings import Settings
from shared.vault import Vault
from tests.backend.conftest import Person
from tests.backend.provider_keys import ROOT, V1, create, created, new, problem, reason
from tests.fakes.provider import KEY, MODELS, FakeProvider, redirect, silence, status
from tests.together import at_once

BOTH = pytest.mark.parametrize("at", [ROOT, V1], ids=["user", "v1"])
ONLY_SQLITE = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # nothing of this reaches a database
AT_ONCE = 8


@pytest.fixture
def allowed(app: Flask, fake: FakeProvider) -> Settings:
    """With which the provider may be asked."""
    settings: Settings = app.extensions["darkroom"].settings
    return settings


@BOTH
def test_a_new_key_is_told_by_its_last_four_characters(alice: Person, fake: FakeProvider, at: str) -> None:
    response = create(alice, fake, at)

    body = response.get_json()
    assert response.status_code == body["code"] == 200
    assert body.get("msg", body.get("message")) == "API 创建成功"
    assert body["data"] == {
        "id": body["data"]["id"],
        "api_name": "mine",
        "model_name": "tiny-chat",
        "base_url": fake.base_url,
        "key_last_four": "WXYZ",
        "created_at": body["data"]["created_at"],
        "updated_at": body["data"]["updated_at"],
    }


@BOTH
def test_a_key_can_be_found_by_its_id_its_name_and_as_the_first(alice: Person, fake: FakeProvider, at: str) -> None:
    first, second = created(alice, fake), created(alice, fake, api_name="图 😀?#%")

    found = {
        path: alice.call("GET", f"{at}/{path}").get_json()["data"]["id"]
        for path in (first, second, "by-name/mine", "by-name/%E5%9B%BE%20%F0%9F%98%80%3F%23%25", "default")
    }

    assert list(found.values()) == [first, second, first, second, first]


@BOTH
def test_all_keys_are_listed_the_first_one_first(alice: Person, fake: FakeProvider, at: str) -> None:
    numbers = [created(alice, fake, api_name=name) for name in ("b", "a", "c")]

    body = alice.call("GET", at).get_json()

    assert [entry["id"] for entry in body["data"]] == numbers
    assert body["next_cursor"] is None


@BOTH
def test_both_contracts_show_the_same_keys(alice: Person, fake: FakeProvider, at: str) -> None:
    created(alice, fake, at)

    assert alice.call("GET", ROOT).get_json()["data"] == alice.call("GET", V1).get_json()["data"] != []


@BOTH
@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"api_name": "other"}, {"api_name": "other"}),
        ({"api_name": "mine"}, {"api_name": "mine"}),
        ({"api_key": "sk-another-abcd"}, {"key_last_four": "abcd"}),
        ({"model_name": "deepseek-chat", "api_name": "😀"}, {"model_name": "deepseek-chat", "api_name": "😀"}),
    ],
)
def test_what_is_given_is_changed_and_the_rest_stays(
    alice: Person, fake: FakeProvider, at: str, change: dict[str, str], shown: dict[str, str]
) -> None:
    number = created(alice, fake)
    before = alice.call("GET", f"{at}/{number}").get_json()["data"]

    body = alice.call("PUT", f"{at}/{number}", json=change).get_json()

    assert body.get("msg", body.get("message")) == "API 更新成功"
    assert body["data"] == {**before, **shown, "updated_at": body["data"]["updated_at"]}
    assert alice.call("GET", f"{at}/{number}").get_json()["data"] == body["data"]


@BOTH
def test_another_machine_needs_the_key_again(alice: Person, fake: FakeProvider, at: str) -> None:
    number = created(alice, fake)
    elsewhere = {"base_url": "https://8.8.8.8/v1"}

    refused = alice.call("PUT", f"{at}/{number}", json=elsewhere)
    changed = alice.call("PUT", f"{at}/{number}", json={**elsewhere, "api_key": "sk-another-abcd"})

    assert problem(refused) == (400, "api_key", "key_needed")
    assert changed.get_json()["data"]["base_url"] == "https://8.8.8.8/v1"


def test_another_path_of_the_same_machine_does_not(alice: Person, fake: FakeProvider) -> None:
    number = created(alice, fake)

    changed = alice.call("PUT", f"{ROOT}/{number}", json={"base_url": fake.base_url + "/v2"})

    assert changed.get_json()["data"]["base_url"] == fake.base_url + "/v2"


@BOTH
def test_a_deleted_key_is_gone_and_the_next_one_is_the_default(alice: Person, fake: FakeProvider, at: str) -> None:
    first, second = created(alice, fake), created(alice, fake, api_name="second")

    body = alice.call("DELETE", f"{at}/{first}").get_json()

    assert (body["code"], body.get("msg", body.get("message")), body["data"]) == (200, "API 删除成功", None)
    assert alice.call("GET", f"{at}/{first}").status_code == 404
    assert alice.call("DELETE", f"{at}/{first}").status_code == 404
    assert alice.call("GET", f"{at}/default").get_json()["data"]["id"] == second


@BOTH
def test_a_provider_that_answers_passes_the_test(alice: Person, fake: FakeProvider, at: str) -> None:
    body = alice.call("POST", f"{at}/{created(alice, fake)}/test").get_json()

    assert (body["code"], body.get("msg", body.get("message"))) == (200, "API 可用")
    assert fake.heard[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "expected", "text"),
    [
        (status(401), "provider_unauthorised", "模型服务商拒绝了该 API 密钥"),
        (status(429), "provider_limited", "模型服务商限流，请稍后再试"),
        (status(500), "provider_unavailable", "无法连接模型服务商"),
        (redirect("http://169.254.169.254/"), "provider_refused", "不允许访问该模型服务商的地址"),
    ],
    ids=["401", "429", "500", "redirect"],
)
def test_a_failed_test_says_why(alice: Person, fake: FakeProvider, answer: Any, expected: str, text: str) -> None:
    number = created(alice, fake)
    fake.answers[MODELS] = answer

    response = alice.call("POST", f"{ROOT}/{number}/test")
    english = alice.call("POST", f"{V1}/{number}/test", headers={"Accept-Language": "en"})

    assert (*reason(response), response.get_json()["msg"]) == (502, expected, text)
    assert reason(english) == (502, expected)
    assert english.get_json()["message"].isascii()


def test_a_slow_provider_is_given_up(app: Flask, alice: Person, fake: FakeProvider) -> None:
    fake.answers[MODELS] = silence
    number = created(alice, fake)
    hurried = app.extensions["darkroom"].settings.model_copy(update={"provider_seconds": 0.2})
    object.__setattr__(app.extensions["darkroom"], "settings", hurried)

    assert reason(alice.call("POST", f"{ROOT}/{number}/test")) == (502, "provider_timeout")


def test_slow_providers_cannot_take_all_threads(app: Flask, alice: Person, fake: FakeProvider) -> None:
    number, room = created(alice, fake), Room(1, 0.01)
    object.__setattr__(app.extensions["darkroom"], "provider_room", room)

    with room.place():
        response = alice.call("POST", f"{ROOT}/{number}/test")

    assert reason(response) == (503, "unavailable")
    assert response.headers["Retry-After"] == "5"
    assert fake.heard == []


def test_no_database_connection_is_held_while_a_provider_is_asked(
    alice: Person, engine: Engine, allowed: Settings, fake: FakeProvider
) -> None:
    number = created(alice, fake)

    with Session(engine) as session:
        user = session.scalars(select(User.id)).one()
        keys = ProviderKeys(session, Vault.of(allowed), allowed, Room(1, 1))
        held = keys.ask(user, number, lambda _: session.in_transaction())

    assert held is False


def test_a_key_that_no_secret_opens_is_told_apart(alice: Person, engine: Engine, fake: FakeProvider) -> None:
    number = created(alice, fake)
    with db.write(engine) as connection:
        connection.execute(update(ProviderKey).values(encrypted_key=Vault(["another"]).encrypt(KEY)))

    assert reason(alice.call("POST", f"{ROOT}/{number}/test")) == (502, "provider_key_unreadable")


def test_the_database_has_the_key_encrypted_only(
    alice: Person, engine: Engine, allowed: Settings, fake: FakeProvider
) -> None:
    created(alice, fake)

    with Session(engine) as session:
        [row] = session.scalars(select(ProviderKey)).all()
    assert KEY not in str(vars(row))
    assert Vault.of(allowed).decrypt(row.encrypted_key) == KEY
    assert row.vault_version == Vault.of(allowed).version


def test_no_answer_has_the_key(alice: Person, fake: FakeProvider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    number = created(alice, fake)
    fake.answers[MODELS] = status(401)

    answers = [
        alice.call(method, f"{at}{path}", json=body, headers={"Accept-Language": language})
        for at in (ROOT, V1)
        for language in ("zh", "en")
        for method, path, body in [
            ("POST", "", new(fake, api_name=f"{at}{language}".replace("/", "-"))),
            ("POST", "", new(fake)),
            ("POST", "", new(fake, base_url="http://10.0.0.1/")),
            ("POST", "", new(fake, api_name=None)),
            ("POST", "", {**new(fake), "extra": KEY}),
            ("GET", "", None),
            ("GET", f"/{number}", None),
            ("GET", "/by-name/mine", None),
            ("GET", "/default", None),
            ("PUT", f"/{number}", {"api_key": KEY}),
            ("PUT", f"/{number}", {"api_key": KEY + " "}),
            ("POST", f"/{number}/test", None),
            ("DELETE", "/1234567", None),
        ]
    ]

    assert {answer.status_code for answer in answers} == {200, 400, 404, 409, 502}
    assert [answer.text for answer in answers if KEY in answer.text or KEY in str(answer.headers)] == []
    assert KEY not in caplog.text


@BOTH
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/{id}", None),
        ("GET", "/by-name/mine", None),
        ("GET", "/default", None),
        ("PUT", "/{id}", {"model_name": "stolen"}),
        ("DELETE", "/{id}", None),
        ("POST", "/{id}/test", None),
    ],
)
def test_anothers_key_is_as_unknown_as_none(
    alice: Person, bob: Person, fake: FakeProvider, at: str, method: str, path: str, body: Any
) -> None:
    number = created(alice, fake)
    before = alice.call("GET", at).get_json()

    others = bob.call(method, at + path.format(id=number), json=body)
    unknown = bob.call(method, at + path.format(id=number + 1000), json=body)

    assert others.status_code == 404
    assert others.data == unknown.data
    assert alice.call("GET", at).get_json() == before
    assert bob.call("GET", at).get_json()["data"] == []
    assert fake.heard == []


@pytest.mark.parametrize("number", ["0", "9" * 18, str(2**63 - 1), str(2**63), "9" * 400, "-1", "x", "1.5", "%00"])
def test_an_id_that_cannot_be_is_not_found(alice: Person, number: str) -> None:
    assert alice.call("GET", f"{ROOT}/{number}").status_code == 404
    assert alice.call("DELETE", f"{V1}/{number}").status_code == 404


@pytest.mark.parametrize("name", ["x", "%00", "😀", "x" * 2000, "MINE", "mine%20"])
def test_a_name_that_nothing_has_is_not_found(alice: Person, fake: FakeProvider, name: str) -> None:
    created(alice, fake)

    assert reason(alice.call("GET", f"{ROOT}/by-name/{name}")) == (404, "not_found")


@BOTH
def test_two_keys_of_one_user_cannot_share_a_name(alice: Person, bob: Person, fake: FakeProvider, at: str) -> None:
    created(alice, fake)
    other = created(alice, fake, api_name="other")

    assert reason(create(alice, fake, at)) == (409, "api_name_taken")
    assert reason(alice.call("PUT", f"{at}/{other}", json={"api_name": "mine"})) == (409, "api_name_taken")
    assert create(bob, fake, at).status_code == 200


def test_of_many_at_once_one_gets_the_name(
    alice: Person, engine: Engine, allowed: Settings, fake: FakeProvider
) -> None:
    outcomes = making(engine, allowed, ["mine"] * AT_ONCE, fake)

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, AppError)] == [ApiNameTaken] * 7
    assert len(alice.call("GET", ROOT).get_json()["data"]) == 1


def test_no_user_has_more_keys_than_one_may(
    alice: Person, bob: Person, engine: Engine, allowed: Settings, fake: FakeProvider
) -> None:
    fill(engine, MOST_KEYS - 1)

    outcomes = making(engine, allowed, [f"new {number}" for number in range(AT_ONCE)], fake)

    assert [type(outcome) for outcome in outcomes if isinstance(outcome, AppError)] == [ApiKeysFull] * 7
    assert len(alice.call("GET", ROOT).get_json()["data"]) == MOST_KEYS
    assert reason(create(alice, fake, V1, api_name="one more")) == (409, "api_keys_full")
    assert create(bob, fake).status_code == 200


WRONG: list[tuple[str, Any, str]] = [
    ("api_name", ..., "missing"),
    ("api_name", None, "string_type"),
    ("api_name", 7, "string_type"),
    ("api_name", ["mine"], "string_type"),
    ("api_name", "", "string_too_short"),
    ("api_name", "x" * 101, "string_too_long"),
    ("api_name", "x" * 900_000, "string_too_long"),
    ("api_name", " ", "bad_name"),
    ("api_name", "a\0b", "bad_name"),
    ("api_name", "a/b", "bad_name"),
    ("api_name", "..", "bad_name"),
    ("api_key", ..., "missing"),
    ("api_key", None, "string_type"),
    ("api_key", "short", "string_too_short"),
    ("api_key", "x" * 501, "string_too_long"),
    ("api_key", "sk-with space", "string_pattern_mismatch"),
    ("api_key", "sk-with\r\nX-Header: 1", "string_pattern_mismatch"),
    ("api_key", "sk-with-newline\n", "string_pattern_mismatch"),
    ("api_key", "sk-密钥密钥密钥", "string_pattern_mismatch"),
    ("model_name", ..., "missing"),
    ("model_name", {}, "string_type"),
    ("model_name", "", "string_too_short"),
    ("model_name", "  ", "blank"),
    ("model_name", "m\0", "nul"),
    ("model_name", "x" * 101, "string_too_long"),
    ("base_url", ..., "missing"),
    ("base_url", None, "string_type"),
    ("base_url", "", "string_pattern_mismatch"),
    ("base_url", "api.deepseek.com/v1", "string_pattern_mismatch"),
    ("base_url", "ftp://api.deepseek.com/v1", "string_pattern_mismatch"),
    ("base_url", "file:///etc/passwd", "string_pattern_mismatch"),
    ("base_url", "https://a b.example/", "string_pattern_mismatch"),
    ("base_url", "https://a.example/\0", "string_pattern_mismatch"),
    ("base_url", "https://a.example/" + "x" * 500, "string_too_long"),
    ("base_url", "https://me:secret@8.8.8.8/v1", "bad_base_url"),
    ("base_url", "https://me@8.8.8.8/v1", "bad_base_url"),
    ("base_url", "https://8.8.8.8/v1#x", "bad_base_url"),
    ("base_url", "https://8.8.8.8/v1?x=1", "bad_base_url"),
    ("base_url", "https://8.8.8.8:99999/v1", "bad_base_url"),
    ("base_url", "https://[::1", "bad_base_url"),
    ("base_url", "https:///v1", "bad_base_url"),
    ("base_url", "https://" + "x" * 64 + ".example/", "bad_base_url"),
    ("base_url", "http://127.0.0.1/v1", "host_refused"),
    ("base_url", "http://127.0.0.1:1/v1", "host_refused"),
    ("base_url", "http://localhost/v1", "host_refused"),
    ("base_url", "http://2130706433/v1", "host_refused"),
    ("base_url", "http://169.254.169.254/latest/meta-data", "host_refused"),
    ("base_url", "https://[::ffff:10.0.0.1]/v1", "host_refused"),
    ("base_url", "https://8.8.8.8:22/v1", "host_refused"),
    ("base_url", "https://nowhere.invalid/v1", "host_unknown"),
    ("user_id", 1, "extra_forbidden"),
    ("id", 1, "extra_forbidden"),
    ("key_last_four", "abcd", "extra_forbidden"),
]


@ONLY_SQLITE
@pytest.mark.parametrize(("field", "value", "code"), WRONG)
def test_a_bad_new_key_names_the_field(alice: Person, fake: FakeProvider, field: str, value: Any, code: str) -> None:
    for at in (ROOT, V1):
        assert problem(create(alice, fake, at, **{field: value})) == (400, field, code)
    assert alice.call("GET", ROOT).get_json()["data"] == []


@ONLY_SQLITE
@pytest.mark.parametrize(("field", "value", "code"), [wrong for wrong in WRONG if wrong[1] is not ...])
def test_a_bad_change_names_the_field(alice: Person, fake: FakeProvider, field: str, value: Any, code: str) -> None:
    number = created(alice, fake)
    before = alice.call("GET", ROOT).get_json()

    for at in (ROOT, V1):
        assert problem(alice.call("PUT", f"{at}/{number}", json={field: value})) == (400, field, code)
    assert alice.call("GET", ROOT).get_json() == before


@ONLY_SQLITE
def test_a_change_of_nothing_is_refused(alice: Person, fake: FakeProvider) -> None:
    number = created(alice, fake)

    assert problem(alice.call("PUT", f"{ROOT}/{number}", json={})) == (400, "body", "nothing_to_change")


@ONLY_SQLITE
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", b'{"api_name":' * 5000])
def test_a_body_that_is_no_object_is_refused(alice: Person, body: bytes) -> None:
    for at in (ROOT, V1):
        assert alice.call("POST", at, data=body, content_type="application/json").status_code == 400


@ONLY_SQLITE
def test_a_body_of_another_type_or_too_large_is_refused(alice: Person) -> None:
    for at in (ROOT, V1):
        assert alice.call("POST", at, data="api_name=mine").status_code == 415
        assert alice.call("POST", at, data=b" " * 1_100_000, content_type="application/json").status_code == 413


def test_names_may_be_of_any_characters(alice: Person, fake: FakeProvider) -> None:
    names = ["😀" * 100, "图", "a b", "'; DROP TABLE provider_keys; --", "a%_\\", "default"]

    for name in names:
        created(alice, fake, api_name=name, model_name=name)

    assert [entry["api_name"] for entry in alice.call("GET", V1).get_json()["data"]] == names


def test_a_key_of_a_user_is_kept_through_a_change_of_the_secret(
    alice: Person, engine: Engine, allowed: Settings, fake: FakeProvider
) -> None:
    number = created(alice, fake)
    later = allowed.model_copy(
        update={"secret_key": type(allowed.secret_key)("n" * 40), "old_secret_keys": (allowed.secret_key,)}
    )

    with Session(engine) as session:
        user = session.scalars(select(User.id)).one()
        ProviderKeys(session, Vault.of(later), later, Room(1, 1)).test(user, number)

    assert fake.heard[0].headers["Authorization"] == f"Bearer {KEY}"


def making(engine: Engine, settings: Settings, names: list[str], fake: FakeProvider) -> list[object]:
    """What becomes of it when alice's keys of these names are made in the same moment."""
    with Session(engine) as session:
        user = session.scalars(select(User.id).where(User.account == "alice")).one()

    def one(name: str) -> object:
        with Session(engine) as session:
            keys = ProviderKeys(session, Vault.of(settings), settings, Room(AT_ONCE, 10))
            try:
                return keys.create(user, name, KEY, "m", fake.base_url)
            except AppError as error:
                return error

    return at_once(*(partial(one, name) for name in names))


def fill(engine: Engine, count: int) -> None:
    """So many keys of alice's."""
    with Session(engine) as session, db.writing(session):
        user = session.scalars(select(User.id).where(User.account == "alice")).one()
        facts = {"model_name": "m", "base_url": "https://provider.example", "encrypted_key": "-", "last_four": "1234"}
        times = {"vault_version": "-", "updated_at": clock.now()}
        session.add_all(ProviderKey(user_id=user, api_name=f"old {n}", **facts, **times) for n in range(count))
