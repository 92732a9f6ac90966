"""What can go wrong, one function each: it hurts the site now and returns what mends it, and after how long.

A fault that mends itself (the supervisor restarts what was killed) returns None. `Missed` says that there was nothing
to hurt just then.
"""

import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import psutil

from tests.chaos.site import Site, Tree
from tests.chaos.stacks import Production


class Missed(Exception):
    """There is nothing to hurt."""


@dataclass(frozen=True)
class Mending:
    """What ends a fault, so many seconds after its beginning."""

    seconds: float
    mend: Callable[[], object]


@dataclass(frozen=True)
class Target:
    """What a fault needs to know."""

    site: Site
    random: Random
    lease_seconds: float


Fault = Callable[[Target], Mending | None]


def kill_child(target: Target) -> None:
    """The process that holds the device dies."""
    _send(signal.SIGKILL, _device(_tree(target)))


def kill_tree(target: Target) -> None:
    """A whole worker dies at once, as if its machine had."""
    for process in _tree(target).processes:
        _send(signal.SIGKILL, process)


def term_tree(target: Target) -> None:
    """A worker is asked to end."""
    _send(signal.SIGTERM, _tree(target).parent)


def freeze_child(target: Target) -> Mending:
    """A device's process stands still for longer than its leases last, then goes on as if nothing had happened."""
    child = _device(_tree(target))
    _send(signal.SIGSTOP, child)
    return Mending(target.lease_seconds * 1.5 + 1, lambda: _send(signal.SIGCONT, child))


def freeze_tree(target: Target) -> Mending:
    """The same for a whole worker."""
    processes = _tree(target).processes
    for process in processes:
        _send(signal.SIGSTOP, process)
    return Mending(target.lease_seconds * 1.5 + 1, lambda: [_send(signal.SIGCONT, each) for each in processes])


def flush_broker(target: Target) -> None:
    """The broker forgets everything."""
    target.site.broker.flushall()


def kill_broker(target: Target) -> Mending | None:
    """The broker dies and comes back empty."""
    servers = target.site.servers
    if isinstance(servers, Production):
        if not servers.redis.runs():
            raise Missed
        servers.redis.kill()
        return Mending(target.random.uniform(0.5, 4), lambda: servers.restart(servers.redis))
    for process in target.site.embedded_broker():
        _send(signal.SIGKILL, process)
    return None


def kill_database(target: Target) -> Mending:
    """MariaDB dies and recovers; at times only when every lease has run out."""
    servers = target.site.servers
    if not isinstance(servers, Production) or not servers.mariadb.runs():
        raise Missed
    servers.mariadb.kill()
    seconds = target.random.choice([target.random.uniform(0.5, 3), 1.2 * target.lease_seconds])
    return Mending(seconds, lambda: servers.restart(servers.mariadb))


def kill_web(target: Target) -> None:
    """The whole web tier dies."""
    for process in target.site.web():
        _send(signal.SIGKILL, process)


def kill_web_worker(target: Target) -> None:
    """One of its processes dies."""
    workers = target.site.web()[1:]
    if not workers:
        raise Missed
    _send(signal.SIGKILL, target.random.choice(workers))


def delete_temporary_files(target: Target) -> None:
    """Somebody cleans up: half-written files too."""
    for path in [*target.site.temporary.rglob("*"), *target.site.files_folder.rglob(".*.part")]:
        with suppress(OSError):
            path.unlink()


def fill_disk(target: Target) -> Mending:
    """No more file can be written; the database has a disk of its own."""
    if not target.site.disk.is_mounted:
        raise Missed
    target.site.disk.fill()
    return Mending(target.random.uniform(1, 3), target.site.disk.free)


def step_clock(target: Target) -> Mending:
    """One worker's clock jumps by an hour or by a day, either way."""
    if not target.site.clock.is_built or not isinstance(target.site.servers, Production):
        raise Missed
    target.site.clock.set(target.random.choice([3600, -3600, 86400, -86400]))
    return Mending(target.random.uniform(2, 8), lambda: target.site.clock.set(0))


FAULTS: Mapping[str, Fault] = {
    "kill-child": kill_child,
    "kill-tree": kill_tree,
    "term-tree": term_tree,
    "freeze-child": freeze_child,
    "freeze-tree": freeze_tree,
    "flush-broker": flush_broker,
    "kill-broker": kill_broker,
    "kill-database": kill_database,
    "kill-web": kill_web,
    "kill-web-worker": kill_web_worker,
    "delete-temporary": delete_temporary_files,
    "full-disk": fill_disk,
    "step-clock": step_clock,
}
DEADLY = frozenset({"kill-child", "kill-tree", "kill-database"})  # after these files may be left that no row knows
FULL_DISK = frozenset({"full-disk", "delete-temporary"})  # after these a task may fail, as it should


def impossible(site: Site) -> dict[str, str]:
    """The faults that cannot be made here, and why."""
    why: dict[str, str] = {}
    if not isinstance(site.servers, Production):
        why["kill-database"] = "SQLite has no server"
        why["step-clock"] = "SQLite's clock is its machine's, which all processes share"
    elif not site.clock.is_built:
        why["step-clock"] = "there is no C compiler"
    if not site.disk.is_mounted:
        why["full-disk"] = "this user may not mount a tmpfs"
    return why


def _tree(target: Target) -> Tree:
    trees = target.site.trees()
    if not trees:
        raise Missed
    return target.random.choice(trees)


def _device(tree: Tree) -> psutil.Process:
    if tree.child is None:
        raise Missed
    return tree.child


def _send(number: int, process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)
