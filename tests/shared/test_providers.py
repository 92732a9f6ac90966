"""Asking users' providers: what they are told, what is taken from them, and every way in which they fail."""

import base64
import logging
import time
import traceback
from collections.abc import Callable, Iterator

import pytest

from shared.addresses import Addresses
from shared.errors import ProviderFailed
from shared.providers import IMAGE_BYTES, Provider
from shared.settings import Settings
from tests.conftest import SECRET
from tests.fakes.provider import (
    CHAT,
    IMAGES,
    KEY,
    MODELS,
    PNG,
    Answer,
    FakeProvider,
    chat,
    drip,
    flood,
    hang_up,
    pictures,
    raw,
    redirect,
    said,
    silence,
    status,
)
from tests.fakes.resolver import FakeResolver
from tests.servers import free_port

B64 = base64.b64encode(PNG).decode()


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    with FakeProvider() as fake:
        yield fake


@pytest.fixture
def provider(fake: FakeProvider) -> Provider:
    return at(fake)


def at(fake: FakeProvider, seconds: float = 10) -> Provider:
    return Provider(fake.base_url, KEY, "tiny-chat", Addresses({fake.place}), seconds)


def reason(call: Callable[[], object]) -> str:
    with pytest.raises(ProviderFailed) as caught:
        call()
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + str(vars(caught.value))
    assert KEY not in told
    assert caught.value.__cause__ is caught.value.__context__ is None
    return caught.value.reason


def test_a_chat_answers_with_the_models_words(fake: FakeProvider, provider: Provider) -> None:
    fake.answers[CHAT] = chat("  夜里的红色圆形 😀\n")

    assert provider.chat("Be brief.", "一个圆") == "夜里的红色圆形 😀"


def test_a_chat_tells_the_model_both_texts(fake: FakeProvider, provider: Provider) -> None:
    provider.chat("Be brief.", "a circle 😀")

    assert fake.heard[0].body == {
        "model": "tiny-chat",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "a circle 😀"}],
    }


def test_pictures_are_asked_for_by_number_and_size(fake: FakeProvider, provider: Provider) -> None:
    fake.answers[IMAGES] = pictures({"b64_json": B64}, {"b64_json": B64})

    made = provider.images("a circle", 2, 1024, 768)

    assert made == [PNG, PNG]
    assert fake.heard[0].body == {"model": "tiny-chat", "prompt": "a circle", "n": 2, "size": "1024x768"}


def test_pictures_that_lie_at_a_url_are_fetched_without_the_key(fake: FakeProvider, provider: Provider) -> None:
    fake.answers[IMAGES] = pictures({"url": fake.url("/made/1.png")})

    assert provider.images("a circle", 1, 64, 64) == [PNG]
    assert [heard.path for heard in fake.heard] == [IMAGES, "/made/1.png"]
    assert KEY not in str(fake.heard[1])


def test_more_pictures_than_asked_for_are_left(fake: FakeProvider, provider: Provider) -> None:
    fake.answers[IMAGES] = pictures({"b64_json": B64}, {"b64_json": B64})

    assert provider.images("a circle", 1, 64, 64) == [PNG]


def test_the_provider_hears_the_key_and_nothing_about_this_machine(
    fake: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "our-organisation")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "our-project")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-our-own")

    at(fake).chat("Be brief.", "a circle")

    assert {name: value for name, value in fake.heard[0].headers.items() if name != "Content-Length"} == {
        "Host": fake.place,
        "Accept-Encoding": "identity",
        "Authorization": f"Bearer {KEY}",
        "Accept": "application/json",
        "User-Agent": "Darkroom",
        "Content-Type": "application/json",
        "Connection": "close",
    }


def test_no_proxy_is_used_whatever_the_environment_says(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert at(fake).chat("Be brief.", "a circle") == "a better prompt"


def test_a_test_asks_for_the_models_only(fake: FakeProvider, provider: Provider) -> None:
    provider.test()

    assert [heard.path for heard in fake.heard] == [MODELS]


@pytest.mark.parametrize("answer", [status(404), status(405), raw(b"<html>")], ids=["404", "405", "a page"])
def test_a_provider_without_a_list_of_models_is_tested_by_one_token(
    fake: FakeProvider, provider: Provider, answer: Answer
) -> None:
    fake.answers[MODELS] = answer

    provider.test()

    assert fake.heard[1].path == CHAT
    assert fake.heard[1].body["max_tokens"] == 1


def test_a_test_fails_when_the_key_is_not_taken(fake: FakeProvider, provider: Provider) -> None:
    fake.answers[MODELS] = status(401)

    assert reason(provider.test) == "provider_unauthorised"


FAILURES: list[tuple[str, Answer, str]] = [
    ("401", status(401), "provider_unauthorised"),
    ("403", status(403), "provider_unauthorised"),
    ("429", status(429), "provider_limited"),
    ("400", status(400), "provider_rejected"),
    ("404", status(404), "provider_rejected"),
    ("422", status(422), "provider_rejected"),
    ("500", status(500), "provider_unavailable"),
    ("503", status(503), "provider_unavailable"),
    ("204", raw(b"", code=204), "provider_garbage"),
    ("redirect", redirect("http://169.254.169.254/latest/meta-data/"), "provider_refused"),
    ("redirect to a public place", redirect("https://example.com/"), "provider_refused"),
    ("no answer", hang_up, "provider_unavailable"),
    ("a page", raw(b"<html>no api</html>", "text/html"), "provider_garbage"),
    ("an empty body", raw(b""), "provider_garbage"),
    ("null", said(None), "provider_garbage"),
    ("a list", said([]), "provider_garbage"),
    ("a text", said("choices"), "provider_garbage"),
    ("no data", said({"choices": [], "data": []}), "provider_garbage"),
    ("data of another kind", said({"choices": "x", "data": 7}), "provider_garbage"),
    ("deeply nested", raw(b'{"choices":' + b"[" * 100_000), "provider_garbage"),
    ("half a character", raw(b'{"choices":[{"message":{"content":"\\ud800"}}]}'), "provider_garbage"),
    ("not UTF-8", raw(b'{"choices":[{"message":{"content":"\xff"}}]}'), "provider_garbage"),
    ("packed", raw(b"x", Content_Encoding="gzip"), "provider_garbage"),
    ("cut off", raw(b"{}", Content_Length="100"), "provider_garbage"),
    ("announced as huge", raw(b"{}", Content_Length=str(2**40)), "provider_garbage"),
    ("endless", flood, "provider_garbage"),
]


@pytest.mark.parametrize(("answer", "expected"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
def test_every_failure_has_a_reason_and_is_not_tried_again(
    fake: FakeProvider, provider: Provider, answer: Answer, expected: str
) -> None:
    fake.answers = {CHAT: answer, IMAGES: answer}

    assert reason(lambda: provider.chat("Be brief.", "a circle")) == expected
    assert reason(lambda: provider.images("a circle", 1, 64, 64)) == expected
    assert [heard.path for heard in fake.heard] == [CHAT, IMAGES]


@pytest.mark.parametrize("text", ["", " \n", None, 7, ["text"], {"text": "x"}])
def test_a_chat_without_words_is_garbage(fake: FakeProvider, provider: Provider, text: object) -> None:
    fake.answers[CHAT] = chat(text)

    assert reason(lambda: provider.chat("Be brief.", "a circle")) == "provider_garbage"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({}, "provider_garbage"),
        ({"b64_json": "not base64!"}, "provider_garbage"),
        ({"b64_json": "圆"}, "provider_garbage"),
        ({"b64_json": ""}, "provider_garbage"),
        ({"b64_json": 7}, "provider_garbage"),
        ({"url": ""}, "provider_garbage"),
        ({"url": "file:///etc/passwd"}, "provider_refused"),
        ({"url": "http://169.254.169.254/latest/meta-data/"}, "provider_refused"),
        ({"url": "http://10.0.0.1/a.png"}, "provider_refused"),
        ({"url": "http://me:secret@8.8.8.8/"}, "provider_refused"),
    ],
)
def test_a_picture_that_is_none_fails(
    fake: FakeProvider, provider: Provider, entry: dict[str, object], expected: str
) -> None:
    fake.answers[IMAGES] = pictures(entry)

    assert reason(lambda: provider.images("a circle", 1, 64, 64)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (status(404), "provider_garbage"),
        (raw(b""), "provider_garbage"),
        (raw(b"x", Content_Length=str(IMAGE_BYTES + 1)), "provider_garbage"),
        (redirect("http://127.0.0.1:1/"), "provider_refused"),
        (redirect("http://[::1]/"), "provider_refused"),
    ],
    ids=["404", "empty", "too large", "to a private port", "to a private address"],
)
def test_a_picture_that_cannot_be_fetched_fails(
    fake: FakeProvider, provider: Provider, answer: Answer, expected: str
) -> None:
    fake.answers |= {IMAGES: pictures({"url": fake.url("/made/2.png")}), "/made/2.png": answer}

    assert reason(lambda: provider.images("a circle", 1, 64, 64)) == expected


def test_fewer_pictures_than_asked_for_are_garbage(fake: FakeProvider, provider: Provider) -> None:
    assert reason(lambda: provider.images("a circle", 2, 64, 64)) == "provider_garbage"


@pytest.mark.parametrize("answer", [silence, drip], ids=["silent", "dripping"])
def test_a_slow_provider_is_given_up_at_the_deadline(fake: FakeProvider, answer: Answer) -> None:
    fake.answers[CHAT] = answer
    began = time.monotonic()

    assert reason(lambda: at(fake, seconds=0.3).chat("Be brief.", "a circle")) == "provider_timeout"
    assert time.monotonic() - began < 3


def test_the_deadline_counts_for_the_pictures_too(fake: FakeProvider) -> None:
    fake.answers |= {IMAGES: pictures({"url": fake.url("/made/2.png")}), "/made/2.png": drip}

    assert reason(lambda: at(fake, seconds=0.5).images("a circle", 1, 64, 64)) == "provider_timeout"


def test_a_provider_that_is_away_is_unavailable() -> None:
    port = free_port()
    away = Provider(f"http://127.0.0.1:{port}/v1", KEY, "m", Addresses({f"127.0.0.1:{port}"}), 5)

    assert reason(away.test) == "provider_unavailable"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1/v1",
        "http://localhost/v1",
        "https://169.254.169.254/v1",
        "http://[::1]/v1",
        "http://8.8.8.8:22/",
    ],
)
def test_a_private_address_is_refused_at_every_use(base_url: str) -> None:
    provider = Provider(base_url, KEY, "m", Addresses(), 5)

    assert reason(lambda: provider.chat("Be brief.", "a circle")) == "provider_refused"


def test_the_very_address_that_was_checked_is_connected_to(fake: FakeProvider) -> None:
    port = fake.port
    resolver = FakeResolver(["127.0.0.1"], ["169.254.169.254"])
    addresses = Addresses({f"provider.example:{port}"}, resolver)

    Provider(f"http://provider.example:{port}/v1", KEY, "m", addresses, 5).test()

    assert resolver.asked == ["provider.example"]
    assert fake.heard[0].headers["Host"] == f"provider.example:{port}"


def test_a_name_that_turns_private_is_refused() -> None:
    addresses = Addresses((), FakeResolver(["10.0.0.1"]))

    assert reason(Provider("https://provider.example/v1", KEY, "m", addresses, 5).test) == "provider_refused"


def test_a_provider_follows_the_settings(fake: FakeProvider) -> None:
    settings = Settings(_env_file=None, secret_key=SECRET, provider_hosts=(fake.place,), provider_seconds=1)
    fake.answers[CHAT] = silence

    slow = Provider.of(fake.base_url, KEY, "m", settings)
    stranger = Provider.of(fake.base_url, KEY, "m", settings.model_copy(update={"provider_hosts": ()}))

    assert reason(lambda: slow.chat("Be brief.", "a circle")) == "provider_timeout"
    assert reason(stranger.test) == "provider_refused"


def test_no_log_has_the_key(fake: FakeProvider, provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, name)
    fake.answers[IMAGES] = status(401)

    provider.chat("Be brief.", "a circle")
    reason(lambda: provider.images("a circle", 1, 64, 64))

    assert caplog.records
    assert KEY not in caplog.text + str([vars(record) for record in caplog.records])
