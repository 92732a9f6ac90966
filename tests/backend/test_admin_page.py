"""The administrators' page: who gets in, every form by a browser without JavaScript, hostile names."""

import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from backend.services.tokens import Tokens
from shared.claims import Claims
from shared.settings import Settings
from shared.workers import State, Told
from tests.backend.admin import call, change, entries
from tests.backend.conftest import PASSWORD, Person
from tests.backend.made import make
from tests.backend.records import add_records, id_of
from tests.backend.test_admin_tasks import fail
from tests.orders import row
from tests.queues import add_rate
from worker.registry import Registry

pytestmark = pytest.mark.parametrize("stack", ["sqlite"], indirect=True)  # the services below are tried on both

PAGES = ("", "/workers", "/tasks", "/users", "/models", "/storage", "/audit", "/failed?since=2020-01-01")
OPEN = {"/admin/login", "/admin/static/<path:filename>"}
HOSTILE = "<script>alert('x')</script>"
LOGIN = {"account": "root", "password": PASSWORD}
WORKER = "0123456789abcdef" * 2


class Browser:
    """One that sends forms as a page has them; English."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def see(self, path: str) -> TestResponse:
        return self.client.get(f"/admin{path}", headers={"Accept-Language": "en"}, buffered=True)

    def press(self, page: str, target: str, **fields: str) -> TestResponse:
        """Send the form of a page that leads to this target, with what it holds already; goes where it leads."""
        form = _form(self.see(page).text, f"/admin{target}")
        return self.send(target, {**form, **fields})

    def send(self, target: str, fields: dict[str, str], **headers: str) -> TestResponse:
        sent = {"Accept-Language": "en", **headers}
        return self.client.post(f"/admin{target}", data=fields, headers=sent, follow_redirects=True)


@pytest.fixture
def browser(app: Flask, admin: Person) -> Browser:
    """Where an administrator is logged in."""
    browser = Browser(app.test_client())
    browser.send("/login", LOGIN)
    return browser


def _form(html: str, action: str) -> dict[str, str]:
    """The hidden fields of the form with this target."""
    forms = re.findall(r'<form method="post".*?</form>', html, re.S)
    [form] = [found for found in forms if f'action="{action}"' in found]
    hidden = re.findall(r'type="hidden" name="([^"]*)"\s+value="([^"]*)"', form)
    return {unescape(name): unescape(value) for name, value in hidden}


def routes(app: Flask) -> list[tuple[str, str]]:
    """Everything of the page but the login and its style."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin_page.") and rule.rule not in OPEN:
            [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            built = rule.build(dict.fromkeys(rule.arguments, "1"), append_unknown=False)
            found.append((method, built[1] if built else ""))
    return found


def test_strangers_and_users_are_led_to_the_login(app: Flask, client: FlaskClient, alice: Person) -> None:
    asked = routes(app)

    strangers = {client.open(url, method=method) for method, url in asked}
    client.set_cookie("darkroom_admin", alice.token, path="/admin")
    users = {client.open(url, method=method) for method, url in asked}

    assert len(asked) > 20
    assert {(answer.status_code, answer.headers["Location"]) for answer in strangers | users} == {(303, "/admin/login")}


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"account": "root", "password": "wrong"}, 401, "Wrong account or password"),
        ({"account": "nobody", "password": PASSWORD}, 401, "Wrong account or password"),
        ({"account": "alice", "password": PASSWORD}, 403, "Not allowed"),
        ({"account": "root"}, 400, "is required"),
        ({"account": "root", "password": PASSWORD, "role": "admin"}, 400, "is not a known field"),
        ({}, 400, "is required"),
    ],
)
def test_who_may_not_in_hears_why_and_gets_no_cookie(
    app: Flask, admin: Person, alice: Person, fields: dict[str, str], status: int, said: str
) -> None:
    answer = Browser(app.test_client()).send("/login", fields)

    assert (answer.status_code, said in answer.text) == (status, True)
    assert "Set-Cookie" not in answer.headers


def test_the_session_is_a_cookie_that_scripts_and_other_sites_do_not_get(app: Flask, admin: Person) -> None:
    plain, secure = (
        app.test_client().post(f"{scheme}://localhost/admin/login", data=LOGIN) for scheme in ("http", "https")
    )

    cookie = plain.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/admin"))
    assert ("Secure" in cookie, "Secure" in secure.headers["Set-Cookie"]) == (False, True)
    assert "Max-Age" not in cookie


def test_logging_out_ends_the_session_everywhere(browser: Browser, app: Flask) -> None:
    kept = browser.client.get_cookie("darkroom_admin", path="/admin")
    assert kept

    browser.press("", "/logout")

    thief = app.test_client()
    thief.set_cookie("darkroom_admin", kept.value, path="/admin")
    assert thief.get("/admin").headers["Location"] == "/admin/login"
    assert browser.client.get_cookie("darkroom_admin", path="/admin") is None


def test_a_disabled_administrator_is_out_at_once(browser: Browser, admin: Person, engine: Engine) -> None:
    change(engine, admin, token_version=7)

    assert browser.see("").headers["Location"] == "/admin/login"


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_there_in_both_languages_and_brings_nothing_from_elsewhere(browser: Browser, path: str) -> None:
    english = browser.see(path)
    chinese = browser.client.get(f"/admin{path}")

    assert (english.status_code, chinese.status_code) == (200, 200)
    assert 'lang="en"' in english.text
    assert 'lang="zh-CN"' in chinese.text
    assert "default-src 'none'" in english.headers["Content-Security-Policy"]
    assert english.headers["Cache-Control"] == "no-store"
    assert re.findall(r'(?:src|href)="(?!/)', english.text) == []
    assert " style=" not in english.text
    assert not re.search(r"<script(?! src)| on[a-z]+=", english.text)


def test_style_and_script_are_served(client: FlaskClient) -> None:
    answers = [client.get(f"/admin/static/admin.{kind}", buffered=True) for kind in ("css", "js")]

    assert [answer.status_code for answer in answers] == [200, 200]


TARGETS = ("/users/{}", "/users/{}/disable", "/users/{}/password", "/users", f"/workers/{WORKER}/drain", "/logout")


@pytest.mark.parametrize("word", ["", "forged", "ä", "theirs"])
def test_a_form_that_is_not_of_this_session_is_refused(
    browser: Browser, app: Flask, alice: Person, engine: Engine, word: str
) -> None:
    Registry(engine, WORKER, "node").beat(Told(State.IDLE))
    user = id_of(engine, alice)
    other = Browser(app.test_client())
    other.send("/login", LOGIN)
    words = {"theirs": _form(other.see("").text, "/admin/logout")["form_token"]}

    answers = [browser.send(target.format(user), {"form_token": words.get(word, word)}) for target in TARGETS]

    assert {answer.status_code for answer in answers} == {403}
    assert all("This form is no longer valid" in answer.text for answer in answers)
    assert entries(engine) == []
    assert browser.see("").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_form_that_the_browser_says_is_from_elsewhere_is_refused(
    browser: Browser, app: Flask, alice: Person, engine: Engine, site: str
) -> None:
    target = f"/users/{id_of(engine, alice)}/disable"
    form = _form(browser.see(f"/users/{id_of(engine, alice)}").text, f"/admin{target}")

    answer = browser.send(target, form, **{"Sec-Fetch-Site": site})
    login = Browser(app.test_client()).send("/login", LOGIN, **{"Sec-Fetch-Site": site})

    assert (answer.status_code, login.status_code) == (403, 403)
    assert entries(engine) == []


def test_a_worker_is_drained_and_resumed(browser: Browser, engine: Engine) -> None:
    registry = Registry(engine, WORKER, "node")
    registry.beat(Told(State.IDLE, ("darkroom-demo",), memory=2_000_000))

    page = browser.press("/workers", f"/workers/{WORKER}/drain")
    drained = registry.beat(Told(State.DRAINING))
    browser.press("/workers", f"/workers/{WORKER}/resume")

    assert "It will finish what it has" in page.text
    assert all(text in page.text for text in (WORKER[:8], "darkroom-demo", "2.0 MB"))
    assert (drained, registry.beat(Told(State.IDLE))) == (True, False)


def test_a_task_is_found_cancelled_and_tried_again(browser: Browser, alice: Person, engine: Engine) -> None:
    task = alice.submit(prompt="a secret circle").get_json()["data"]["task_id"]
    found = browser.client.get(f"/admin/task?id={task}", follow_redirects=True)

    cancelled = browser.press(f"/tasks/{task}", f"/tasks/{task}/cancel")
    retried = browser.press(f"/tasks/{task}", f"/tasks/{task}/retry")

    assert task in found.text
    assert "The task was cancelled" in cancelled.text
    assert "The task waits again" in retried.text
    assert "secret" not in found.text + cancelled.text + retried.text
    assert row(engine, task).status == "queued"
    assert [entry[1] for entry in entries(engine)] == ["task.cancel", "task.retry"]


def test_tasks_are_filtered_and_paged(browser: Browser, alice: Person, bob: Person, engine: Engine) -> None:
    hers, his = add_records(engine, alice, {}, {}), add_records(engine, bob, {})

    page = browser.see("/tasks?user=alice&status=&limit=1&start=2020-01-01T00:00:00").text
    [older] = re.findall(r'rel="next"\s+href="/admin([^"]+)"', page)
    rest = browser.see(unescape(older)).text

    assert [task in page for task in (*hers, *his)] == [False, True, False]
    assert [task in rest for task in (*hers, *his)] == [True, False, False]


def test_what_has_failed_is_counted_then_queued_again(
    browser: Browser, alice: Person, worker: Claims, engine: Engine
) -> None:
    task = fail(worker, alice)
    page = "/failed?since=2020-01-01T00:00:00&user=alice&model="

    preview = browser.see(page)
    outcome = browser.press(page, "/failed")

    assert "<b>1</b> tasks have failed since" in preview.text
    assert "out_of_memory" in preview.text
    assert "<b>1</b> tasks wait again" in outcome.text
    assert row(engine, task).status == "queued"


def test_a_user_is_made_changed_shut_out_and_let_in(browser: Browser, client: FlaskClient, engine: Engine) -> None:
    new = {"account": "carol", "email": "carol@example.org", "password": "open sesame", "role": "user"}
    made = browser.press("/users", "/users", **new)
    path = f"/users/{int(made.request.path.rpartition('/')[2])}"

    browser.press(path, path, role="admin", queue_cap="5", running_cap="", quota_bytes="2000")
    changed = browser.see(path).text
    browser.press(path, path, role="user", queue_cap="", running_cap="0")
    browser.press(path, f"{path}/disable")
    disabled = client.post("/api/v1/auth/login", json={"account": "carol", "password": "open sesame"})
    browser.press(path, f"{path}/enable")

    assert "The user was created" in made.text
    assert all(text in changed for text in ('value="5"', "<option selected>admin"))
    assert disabled.status_code == 403
    assert [(action, details) for _, action, _, details in entries(engine)] == [
        ("user.create", {"role": "user"}),
        ("user.change", {"role": "admin", "queue_cap": 5, "running_cap": None, "quota_bytes": 2000}),
        ("user.change", {"role": "user", "queue_cap": None, "running_cap": 0, "quota_bytes": None}),
        ("user.disable", {}),
        ("user.enable", {}),
    ]


def test_a_one_time_password_is_on_the_page_that_answers_and_nowhere_else(
    browser: Browser, alice: Person, client: FlaskClient, engine: Engine
) -> None:
    path = f"/users/{id_of(engine, alice)}"

    shown = browser.press(path, f"{path}/password")

    [password] = re.findall(r'<code class="secret">([^<]+)</code>', shown.text)
    login = client.post("/api/v1/auth/login", json={"account": "alice", "password": password})
    assert login.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert password not in browser.see(path).text + browser.see("/audit").text


def test_a_code_is_mailed(browser: Browser, alice: Person, engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    path = f"/users/{id_of(engine, alice)}"

    answer = browser.press(path, f"{path}/password/mail")

    assert "A code was mailed" in answer.text
    assert "alice@example.com" in capsys.readouterr().out


def test_nobody_can_shut_themselves_out(browser: Browser, admin: Person, engine: Engine) -> None:
    path = f"/users/{id_of(engine, admin)}"

    page = browser.see(path).text
    saved = browser.press(path, path, queue_cap="3")

    assert f"{path}/disable" not in page
    assert "The user was changed" in saved.text


def test_the_overview_predicts_for_as_many_workers_as_are_asked_for(
    browser: Browser, alice: Person, engine: Engine
) -> None:
    for _ in range(10):
        alice.submit()
    add_rate(engine, "darkroom-demo", 100.0)

    one, three = browser.see("").text, browser.see("?workers=3").text

    told = [re.findall(r"nine of ten within <b>([^<]+)</b>", page) for page in (one, three)]
    assert "no worker takes tasks" in one
    assert "s" in told[0][0]
    assert told[1] == ["0.0 s"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/tasks?status=waiting", "must be one of"),
        ("/tasks?cursor=bad", "is not a cursor of this list"),
        ("/tasks?surprise=1", "is not a known field"),
        ("/failed", "is required"),
        ("?workers=0", "must be at least 1"),
        ("/users?role=king", "must be one of"),
        ("/audit?action=eat", "must be one of"),
    ],
)
def test_a_bad_query_is_said_on_the_page(browser: Browser, path: str, said: str) -> None:
    answer = browser.see(path)

    assert (answer.status_code, said in unescape(answer.text)) == (400, True)


@pytest.mark.parametrize("path", ["/tasks/task_0", "/users/999999", f"/users/{2**63}", "/tasks/%F0%9F%98%80"])
def test_what_is_not_there_is_said_on_the_page(browser: Browser, path: str) -> None:
    answer = browser.see(path)

    assert (answer.status_code, "Not found" in answer.text) == (404, True)


def test_hostile_names_are_text_wherever_they_stand(
    browser: Browser, app: Flask, admin: Person, alice: Person, engine: Engine
) -> None:
    change(engine, alice, account=HOSTILE, email=f'"{HOSTILE}"@example.org')
    [task] = add_records(engine, _named(alice, HOSTILE), {"status": "queued", "model": HOSTILE, "error_code": None})
    Registry(engine, WORKER, "node").beat(Told(State.IDLE, (HOSTILE,)))
    call(admin, "DELETE", f"/tasks/{task}")
    add_records(engine, _named(alice, HOSTILE), {"status": "queued", "model": HOSTILE})
    user = id_of(engine, _named(alice, HOSTILE))
    searches = [f"/tasks?user={HOSTILE}", f"/users?search={HOSTILE}", f"/audit?subject={HOSTILE}", "?note=<b>"]

    pages = [browser.see(path).text for path in (*PAGES, f"/users/{user}", f"/tasks/{task}", *searches)]

    assert sum("&lt;script&gt;" in page for page in pages) >= 8
    assert [page for page in pages if HOSTILE in page or "<b>" in page.split("<main")[1].split("</h1>")[0]] == []


class TestWhereASettingSaysSo:
    """ADMINS_SEE_CONTENT."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"admins_see_content": True})

    def test_prompts_are_shown_as_text_and_pictures_by_their_signed_urls(
        self, browser: Browser, alice: Person, worker: Claims, settings: Settings, engine: Engine
    ) -> None:
        made = make(alice, worker, settings)
        [hostile] = add_records(engine, alice, {"prompt": HOSTILE, "status": "queued"})

        page, attacked = browser.see(f"/tasks/{made.task}").text, browser.see(f"/tasks/{hostile}").text

        assert "a red circle" in page
        assert f'<img src="{made.thumbnail.url}?' in page
        assert "&lt;script&gt;" in attacked
        assert HOSTILE not in attacked


class TestWhereLoginsAreLimited:
    """LIMIT_LOGIN counts here as everywhere."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"limits": True, "limit_login": "1/minute"})

    def test_a_login_too_many_is_refused(self, app: Flask, admin: Person) -> None:
        answers = [Browser(app.test_client()).send("/login", LOGIN) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [200, 429]
        assert "Too many requests" in answers[1].text


def _named(person: Person, account: str) -> Person:
    return Person(person.client, account, person.token)


def test_while_the_database_is_away_the_page_says_so(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone away"))

    monkeypatch.setattr(Tokens, "recognise", away)

    answer = browser.see("")

    assert (answer.status_code, "Temporarily unavailable" in answer.text) == (503, True)
    assert "gone away" not in answer.text
