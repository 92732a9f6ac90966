"""Where the web tier may listen."""

import socket
from collections.abc import Iterator

import pytest

from shared.launch import address
from shared.launch.console import Refused
from tests.servers import free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - that nothing listens on it is the test
def test_a_port_that_is_taken_is_named_with_what_to_do(taken: int, host: str) -> None:
    with pytest.raises(Refused, match=rf"^port {taken} is taken: .* PORT=\d+ \./start\.sh$"):
        address.check_free(host, taken)


def test_a_free_port_passes() -> None:
    assert address.check_free("127.0.0.1", free_port()) is None


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_ours_is_a_wrong_setting(host: str) -> None:
    with pytest.raises(Refused, match=rf"^HOST: {host} ") as refusal:
        address.check_free(host, free_port())

    assert refusal.value.status == 2


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - only read
        ("::", "http://[::1]:8000"),
        ("darkroom.example", "http://darkroom.example:8000"),
    ],
)
def test_the_url_is_one_to_click_on(host: str, url: str) -> None:
    assert address.url(host, 8000) == url
