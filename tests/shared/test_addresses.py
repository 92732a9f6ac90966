"""Which machines the service may be sent to by its users."""

import socket
import threading
from typing import Any

import pytest

from shared.addresses import Addresses, FetchRefused, is_public
from tests.fakes.resolver import FakeResolver

REFUSED = [
    "0.0.0.0",  # noqa: S104 - nothing listens there
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "223.255.255.254"]
PUBLIC_V6 = ["2001:200::1", "2001:4860:4860::8888", "2400:cb00::1", "2606:4700::1111", "2a00:1450:4001::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_open_to_the_world_is_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", [*PUBLIC, *PUBLIC_V6])
def test_a_public_address_is_allowed(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "0", "::1", "::ffff:127.0.0.1", "169.254.169.254"],
)
def test_other_ways_to_write_an_inner_address_are_refused(host: str) -> None:
    with pytest.raises(FetchRefused):
        Addresses().find(host, 80, 5)


@pytest.mark.parametrize("inner", ["10.0.0.1", "::1", "169.254.169.254"])
@pytest.mark.parametrize("first", [True, False])
def test_one_inner_address_among_many_is_enough_to_refuse(inner: str, first: bool) -> None:
    found = [inner, "8.8.8.8"] if first else ["8.8.8.8", "2606:4700::1111", inner]

    with pytest.raises(FetchRefused):
        Addresses(resolve=FakeResolver(found)).find("pictures.example", 443, 5)


def test_all_addresses_of_a_public_host_are_found() -> None:
    found = Addresses(resolve=FakeResolver(["8.8.8.8", "2606:4700::1111"])).find("pictures.example", 443, 5)

    assert [(address.family, address.place[0]) for address in found] == [
        (socket.AF_INET, "8.8.8.8"),
        (socket.AF_INET6, "2606:4700::1111"),
    ]


@pytest.mark.parametrize("port", [0, 22, 25, 81, 3306, 6379, 8080, 65535])
def test_other_ports_than_the_webs_are_refused_before_the_name_is_looked_up(port: int) -> None:
    resolver = FakeResolver(["8.8.8.8"])

    with pytest.raises(FetchRefused):
        Addresses(resolve=resolver).find("pictures.example", port, 5)

    assert resolver.asked == []


@pytest.mark.parametrize(
    ("host", "port", "free"),
    [("inside.example", 8080, True), ("inside.example", 80, False), ("other.example", 8080, False)],
)
def test_an_exception_is_made_for_one_host_and_port_only(host: str, port: int, free: bool) -> None:
    addresses = Addresses({"inside.example:8080"}, FakeResolver(["10.0.0.1"]))

    if free:
        assert [address.place[0] for address in addresses.find(host, port, 5)] == ["10.0.0.1"]
    else:
        with pytest.raises(FetchRefused):
            addresses.find(host, port, 5)


def test_a_host_without_addresses_cannot_be_reached() -> None:
    with pytest.raises(OSError, match="no address"):
        Addresses(resolve=FakeResolver([])).find("pictures.example", 443, 5)


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    ended = threading.Event()

    def hang(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        ended.wait(60)
        return []

    with pytest.raises(TimeoutError):
        Addresses(resolve=hang).find("pictures.example", 443, 0.05)
    ended.set()
