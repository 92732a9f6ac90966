"""Who may call which route: every one says it, and whatever needs no token is listed here."""

import pytest
from flask import Flask
from pydantic import SecretStr
from werkzeug.routing import Rule

from backend.contract import Caller, Contract
from shared.settings import Settings

PUBLIC = {
    "GET /": "leads to the documentation page",
    "GET /docs/": "the documentation page",
    "GET /docs/<path:path>": "its scripts and styles",
    "GET /openapi/v1.json": "the contract itself",
    "GET /openapi/image.json": "the contract itself",
    "GET /openapi/gin.json": "the contract itself",
    "GET /openapi/user.json": "the contract itself",
    "GET /openapi/captcha.json": "the contract itself",
    "GET /openapi/admin.json": "the contract itself",
    "GET /healthz": "asked by containers and load balancers",
    "GET /readyz": "asked by containers and load balancers",
    "GET /api/health": "clients ask before they log in",
    "POST /api/auth/register": "who registers has no token yet",
    "POST /api/auth/login": "who logs in has no token yet",
    "GET /api/uploads/avatars/<name>": "pictures that users show to everybody",
    "POST /api/v1/auth/register": "who registers has no token yet",
    "POST /register": "who registers has no token yet",
    "POST /login": "who logs in has no token yet",
    "POST /logout": "who has no token is logged out already",
    "POST /auth/send-code": "who registers has no token yet, who forgot the password cannot log in",
    "POST /auth/verify-code": "the same",
    "POST /auth/reset-password": "the mailed code stands in for the token",
    "POST /signup": "who registers has no token yet",
    "GET /captcha": "who registers has no token yet",
    "GET /captcha/<captcha_id>": "who registers has no token yet",
    "POST /api/v1/auth/login": "who logs in has no token yet",
    "POST /api/v1/auth/forgot-password": "who forgot the password cannot log in",
    "POST /api/v1/auth/reset-password": "the mailed code stands in for the token",
}

PAGE = "admin_page."  # tests/backend/test_admin_page.py looks at who may see what of it

# The view gets what the token says before anybody asked whether it counts: its service has to.
CLAIMED = {"GET /api/v1/generation/<task_id>"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_token": SecretStr("without one there is no such route")})


def test_tokens_are_left_to_a_service_only_where_it_is_listed(app: Flask) -> None:
    stated = _contracts(app)

    known = [rule for rule in app.url_map.iter_rules() if rule.endpoint in stated]
    left = {_name(rule) for rule in known if stated[rule.endpoint].caller is Caller.CLAIMED}

    assert left == CLAIMED


def test_every_route_of_an_api_states_its_caller(app: Flask) -> None:
    blueprints = {api.blueprint.name for api in app.extensions["apis"]}
    stated = _contracts(app)

    silent = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in blueprints and rule.endpoint not in stated
    ]

    assert silent == []


def test_routes_without_token_are_exactly_the_listed_ones(app: Flask) -> None:
    stated = _contracts(app)

    public = {
        _name(rule)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in stated or stated[rule.endpoint].caller is Caller.PUBLIC
        if not rule.endpoint.startswith(PAGE)
    }

    assert public == set(PUBLIC)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}], ids=["no token", "forged token"])
def test_every_other_route_answers_401_without_a_valid_token(app: Flask, headers: dict[str, str]) -> None:
    stated = _contracts(app)
    client = app.test_client()

    answers = {
        _name(rule): client.open(_url(rule), method=_method(rule), headers=headers, json={}).status_code
        for rule in app.url_map.iter_rules()
        if rule.endpoint in stated and stated[rule.endpoint].caller is not Caller.PUBLIC
    }

    assert answers
    assert {name: status for name, status in answers.items() if status != 401} == {}


def _contracts(app: Flask) -> dict[str, Contract]:
    return {endpoint: terms for api in app.extensions["apis"] for endpoint, terms in api.contracts.items()}


def _method(rule: Rule) -> str:
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    return method


def _name(rule: Rule) -> str:
    return f"{_method(rule)} {rule.rule}"


def _url(rule: Rule) -> str:
    _, url = rule.build(dict.fromkeys(rule.arguments, "1"), append_unknown=False) or ("", "")
    return url
