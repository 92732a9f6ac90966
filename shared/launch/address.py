"""Where the web tier listens: whether that is free, and its url.

Does not know what answers there.
"""

import errno
import socket

from shared.launch.console import Refused

ANY = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def check_free(host: str, port: int) -> None:
    """Raises Refused, saying what to change, when the web tier could not listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise _no_address(host) from None
    with socket.socket(family, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise _refusal(error, host, port) from None
    if _is_answered(reachable(host), port):
        raise _taken(port)


def reachable(host: str) -> str:
    """The address to reach a listener on this machine by: "every interface" is none."""
    return ANY.get(host, host)


def url(host: str, port: int) -> str:
    """The web tier's url as seen from this machine."""
    name = reachable(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def _is_answered(host: str, port: int) -> bool:
    # BSD's SO_REUSEADDR lets 127.0.0.1 be bound beside someone else's 0.0.0.0; a connection shows them.
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _refusal(error: OSError, host: str, port: int) -> Refused:
    if error.errno == errno.EADDRINUSE:
        return _taken(port)
    if error.errno == errno.EACCES:
        return Refused(f"PORT: this user may not listen on {port}: choose one above 1023", status=2)
    return _no_address(host)


def _no_address(host: str) -> Refused:
    return Refused(f"HOST: {host} is not an address of this machine: use one, 127.0.0.1 or 0.0.0.0", status=2)


def _taken(port: int) -> Refused:
    other = port + 1 if port < 65535 else port - 1
    return Refused(f"port {port} is taken: stop what uses it or choose another, e.g. PORT={other} ./start.sh")
