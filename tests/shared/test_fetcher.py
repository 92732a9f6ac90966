"""Fetching from the web for users: what it takes, what it refuses, and that it ends."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.addresses import Addresses, FetchRefused
from shared.errors import Unavailable
from shared.fetcher import Fetcher, FetchFailed
from shared.wire import Target
from tests.fakes.resolver import FakeResolver
from tests.site import Answer, Site, redirect, reply, trusted_by

MAX = 100_000


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.fixture
def fetcher(site: Site) -> Fetcher:
    """May speak to the tests' own site."""
    return Fetcher(Addresses({site.place}), seconds=5)


def by_name(site: Site, resolver: FakeResolver) -> Fetcher:
    """May speak to it as pictures.example."""
    return Fetcher(Addresses({f"pictures.example:{site.port}"}, resolver), seconds=5)


def test_a_body_comes_back_as_it_is(site: Site, fetcher: Fetcher) -> None:
    site.answers["/a.png"] = reply(b"\x89PNG\0\xff" * 1000)

    assert fetcher.get(site.url("/a.png"), MAX) == b"\x89PNG\0\xff" * 1000


def test_the_request_tells_nothing_but_what_is_asked_for(
    site: Site, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    site.answers["/a.png?x=1"] = reply(b"body")

    fetcher.get(site.url("/a.png?x=1#here"), MAX)

    assert sorted(site.heard[0].split("\n")) == [
        "Accept-Encoding: identity",
        "Accept: */*",
        "Connection: close",
        "GET /a.png?x=1 HTTP/1.1",
        f"Host: {site.place}",
        "User-Agent: Darkroom",
    ]


def test_no_proxy_is_used_whatever_the_environment_says(
    site: Site, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.answers["/"] = reply(b"body")

    assert fetcher.get(site.url(""), MAX) == b"body"


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("http://Pictures.Example", "pictures.example", 80, "/"),
        ("https://pictures.example/a b", "pictures.example", 443, "/a%20b"),
        ("https://pictures.example/图?q=圆&r=%2F", "pictures.example", 443, "/%E5%9B%BE?q=%E5%9C%86&r=%2F"),
        ("https://图.example/", "xn--wcs.example", 443, "/"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "/"),
        ("https://pictures.example?x", "pictures.example", 443, "/?x"),
        ("https://pictures.example/a\0\r\nb", "pictures.example", 443, "/a%00b"),
    ],
)
def test_a_url_is_read(url: str, host: str, port: int, path: str) -> None:
    target = Target.of(url)

    assert (target.host, target.port, target.path) == (host, port, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.png",
        "//8.8.8.8/a.png",
        "ftp://8.8.8.8/a.png",
        "file:///etc/passwd",
        "gopher://8.8.8.8/",
        "data:image/png;base64,AAAA",
        "http://",
        "http:///a.png",
        "http://:80/",
        "http://me:secret@8.8.8.8/",
        "http://me@8.8.8.8/",
        "http://@8.8.8.8/",
        "http://8.8.8.8:99999/",
        "http://8.8.8.8:-1/",
        "http://8.8.8.8:x/",
        "http://8.8.8.8:8080/",
        "http://8.8.8.8:22/",
        "http://[::1",
        "http://[x]/",
        "http://" + "x" * 64 + ".example/",
        "http://.example/",
        "http://127.0.0.1/",
        "https://127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.0.1:443/",
        "http://0.0.0.0/",
    ],
)
def test_what_may_not_be_fetched_is_refused(url: str) -> None:
    with pytest.raises(FetchRefused):
        Fetcher(Addresses(), seconds=5).get(url, MAX)


def test_a_site_that_is_not_excepted_is_refused(site: Site) -> None:
    with pytest.raises(FetchRefused):
        Fetcher(Addresses(), seconds=5).get(site.url("/"), MAX)

    assert site.heard == []


def test_the_very_address_that_was_checked_is_connected_to(site: Site) -> None:
    resolver = FakeResolver(["127.0.0.1"], ["169.254.169.254"])
    site.answers["/a.png"] = reply(b"body")

    body = by_name(site, resolver).get(f"http://pictures.example:{site.port}/a.png", MAX)

    assert (body, resolver.asked) == (b"body", ["pictures.example"])
    assert f"Host: pictures.example:{site.port}" in site.heard[0]


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    resolver = FakeResolver(["127.0.0.2", "127.0.0.1"])
    site.answers["/"] = reply(b"body")

    assert by_name(site, resolver).get(f"http://pictures.example:{site.port}/", MAX) == b"body"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(site: Site, fetcher: Fetcher, status: int) -> None:
    site.answers |= {"/a": redirect("b?x=1", status), "/b?x=1": reply(b"body")}

    assert fetcher.get(site.url("/a"), MAX) == b"body"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:80/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "//10.0.0.1/",
        "file:///etc/passwd",
        "ftp://8.8.8.8/",
        "http://me:secret@8.8.8.8/",
    ],
)
def test_a_redirect_is_checked_like_the_url_itself(site: Site, fetcher: Fetcher, url: str) -> None:
    site.answers["/a"] = redirect(url)

    with pytest.raises(FetchRefused):
        fetcher.get(site.url("/a"), MAX)


def test_a_name_is_checked_again_at_each_hop(site: Site) -> None:
    resolver = FakeResolver(["127.0.0.1"], ["10.0.0.1"])
    site.answers["/a"] = redirect("http://pictures.example/b")

    with pytest.raises(FetchRefused):
        by_name(site, resolver).get(f"http://pictures.example:{site.port}/a", MAX)

    assert len(resolver.asked) == 2


@pytest.mark.parametrize(("hops", "arrives"), [(3, True), (4, False)])
def test_three_redirects_are_enough(site: Site, fetcher: Fetcher, hops: int, arrives: bool) -> None:
    site.answers |= {f"/{number}": redirect(f"/{number + 1}") for number in range(hops)}
    site.answers[f"/{hops}"] = reply(b"body")

    if arrives:
        assert fetcher.get(site.url("/0"), MAX) == b"body"
    else:
        with pytest.raises(FetchFailed):
            fetcher.get(site.url("/0"), MAX)


def chunked(*pieces: bytes) -> Answer:
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return reply(body, headers={"Content-Length": "", "Transfer-Encoding": "chunked"})


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"x" * MAX),
        reply(b"x" * MAX, headers={"Content-Length": ""}),
        chunked(b"x" * (MAX - 1), b"x", b""),
    ],
    ids=["length", "no length", "chunked"],
)
def test_a_body_of_the_largest_size_is_taken(site: Site, fetcher: Fetcher, answer: Answer) -> None:
    site.answers["/"] = answer

    assert fetcher.get(site.url("/"), MAX) == b"x" * MAX


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"x" * (MAX + 1)),
        reply(b"x", headers={"Content-Length": str(10**12)}),
        reply(b"x" * (MAX + 1), headers={"Content-Length": ""}),
        chunked(b"x" * MAX, b"x", b""),
        reply(b"cut", headers={"Content-Length": "1000"}),
        reply(b"", headers={"Content-Length": "1000"}),
        reply(b"5\r\ncut", headers={"Content-Length": "", "Transfer-Encoding": "chunked"}),
        reply(b"nonsense\r\n", headers={"Content-Length": "", "Transfer-Encoding": "chunked"}),
        reply(status="404 Not Found"),
        reply(b"x", status="206 Partial Content"),
        reply(status="204 No Content"),
        reply(status="304 Not Modified"),
        reply(status="401 Unauthorized", headers={"WWW-Authenticate": "Basic"}),
        reply(status="500 Internal Server Error"),
        reply(status="302 Found"),
        lambda send: None,
        lambda send: send(b"SSH-2.0-OpenSSH_9.2\r\n"),
        lambda send: send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\nbody"),
        lambda send: send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\nbody"),
        lambda send: send(b"\0" * 10_000),
    ],
)
def test_an_answer_that_is_no_use_is_a_failure(site: Site, fetcher: Fetcher, answer: Answer) -> None:
    site.answers["/"] = answer

    with pytest.raises(FetchFailed):
        fetcher.get(site.url("/"), MAX)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_site_that_drips_does_not_hold_us_up(site: Site, start: bytes) -> None:
    def answer(send: Any) -> None:
        send(start)
        site.drip(b"y")(send)

    site.answers["/"] = answer
    since = time.monotonic()

    with pytest.raises(FetchFailed):
        Fetcher(Addresses({site.place}), seconds=0.3).get(site.url("/"), MAX)

    assert time.monotonic() - since < 3


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b""])
def test_a_site_that_never_comes_to_the_point_does_not_hold_us_up(site: Site, piece: bytes) -> None:
    site.answers["/"] = site.drip(piece)

    with pytest.raises(FetchFailed):
        Fetcher(Addresses({site.place}), seconds=0.3).get(site.url("/"), MAX)


def test_an_endless_body_is_left_off(site: Site, fetcher: Fetcher) -> None:
    def answer(send: Any) -> None:
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        while not site.closing.is_set():
            send(b"x" * 65_536)

    site.answers["/"] = answer

    with pytest.raises(FetchFailed):
        fetcher.get(site.url("/"), MAX)


def test_a_site_that_is_not_there_is_a_failure(site: Site, fetcher: Fetcher) -> None:
    site.server_close()

    with pytest.raises(FetchFailed):
        fetcher.get(site.url("/"), MAX)


def test_a_name_that_nobody_knows_is_a_failure() -> None:
    def unknown(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(FetchFailed):
        Fetcher(Addresses(resolve=unknown)).get("https://nowhere.example/", MAX)


@pytest.mark.parametrize(("asked", "trusted"), [("pictures.example", True), ("other.example", False)])
def test_a_certificate_must_be_the_hosts(tmp_path: Path, asked: str, trusted: bool) -> None:
    server, client = trusted_by(tmp_path, "pictures.example")
    with Site(server) as site:
        site.answers["/"] = reply(b"body")
        addresses = Addresses({f"{asked}:{site.port}"}, FakeResolver(["127.0.0.1"]))
        fetcher = Fetcher(addresses, seconds=5, tls=client)

        if trusted:
            assert fetcher.get(f"https://{asked}:{site.port}/", MAX) == b"body"
        else:
            with pytest.raises(FetchFailed):
                fetcher.get(f"https://{asked}:{site.port}/", MAX)


def test_a_certificate_that_nobody_vouches_for_is_a_failure(tmp_path: Path) -> None:
    server, _ = trusted_by(tmp_path, "127.0.0.1")
    with Site(server) as site:
        site.answers["/"] = reply(b"body")

        with pytest.raises(FetchFailed):
            Fetcher(Addresses({site.place}), seconds=5).get(f"https://{site.place}/", MAX)

        assert site.heard == []


def test_who_finds_no_place_is_to_come_again() -> None:
    with pytest.raises(Unavailable):
        Fetcher(Addresses(), at_a_time=0, patience=0).get("https://pictures.example/", MAX)


def test_a_failure_leaves_its_place_to_others(site: Site) -> None:
    fetcher = Fetcher(Addresses({site.place}), seconds=5, at_a_time=1, patience=0)
    site.answers |= {"/bad": reply(status="500 Oh"), "/good": reply(b"body")}
    with pytest.raises(FetchFailed):
        fetcher.get(site.url("/bad"), MAX)

    assert fetcher.get(site.url("/good"), MAX) == b"body"
