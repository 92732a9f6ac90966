"""The addresses of a host, and which of them this service may speak to on somebody's behalf.

Whoever connects must do so to an address that was found here: a name that is resolved again may mean another machine.
"""

import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

PUBLIC_PORTS = {80, 443}
RESOLVERS = 16

# What the IANA registries of special-purpose addresses have, and what clouds serve their machines' secrets on.
NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure, to its own machines only
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
GLOBAL_V6 = IPv6Network("2000::/3")  # mapped and translated IPv4, local and multicast addresses lie elsewhere
NOT_PUBLIC_V6 = tuple(IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))

Resolve = Callable[..., Sequence[tuple[Any, ...]]]


class FetchRefused(Exception):
    """This may not be fetched."""


@dataclass(frozen=True)
class Address:
    """What a socket of this family connects to."""

    family: int
    place: tuple[Any, ...]


class Addresses:
    """Finds addresses; `allowed` are the `host:port` that may lie anywhere and have any port."""

    def __init__(self, allowed: Collection[str] = (), resolve: Resolve = socket.getaddrinfo) -> None:
        self._allowed = frozenset(allowed)
        self._resolve = resolve
        self._pool = ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")

    def find(self, host: str, port: int, seconds: float) -> list[Address]:
        """Where the host can be reached. Raises FetchRefused if any of it is not public, OSError if there is nothing.

        The system's resolver knows no limit of time, so it runs beside.
        """
        allowed = f"{host}:{port}" in self._allowed
        if not allowed and port not in PUBLIC_PORTS:
            raise FetchRefused(f"port {port}")
        found = self._pool.submit(self._resolve, host, port, type=socket.SOCK_STREAM).result(seconds)
        addresses = [Address(family, place) for family, _, _, _, place in found]
        if not allowed and not all(is_public(address.place[0]) for address in addresses):
            raise FetchRefused(f"{host} is not public")
        if not addresses:
            raise OSError(f"{host} has no address")
        return addresses


@lru_cache(maxsize=8)
def addresses_of(allowed: tuple[str, ...]) -> Addresses:
    """One for the whole process: it has threads of its own."""
    return Addresses(allowed)


def is_public(text: str) -> bool:
    """Whether this address is one machine on the open internet; any notation that hides another address is not."""
    address: IPv4Address | IPv6Address = ip_address(text)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    return address in GLOBAL_V6 and not any(address in network for network in NOT_PUBLIC_V6)
