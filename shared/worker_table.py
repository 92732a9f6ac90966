"""`./start.sh workers`: which workers there are and what they are at; `drain` and `resume` one, a node or a host."""

import sys
from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from shared import db, settings
from shared.launch.console import Refused, complain, show
from shared.workers import SHORT, Seen, Workers

USAGE = "use ./start.sh workers, or ./start.sh workers drain NAME, or ./start.sh workers resume NAME"
HEADS = ("ID", "NODE", "HOST", "STATE", "MODELS", "TASKS", "DONE", "MEMORY", "LAST BEAT")
WANTED = {"drain": True, "resume": False}


def main(arguments: Sequence[str]) -> int:
    """The exit status; 2 for a command that makes no sense."""
    try:
        configured = settings.load()
        with Session(db.connect(configured.database)) as session:
            return answer(Workers(session, configured.lease_seconds), arguments)
    except settings.InvalidSettings as problem:
        return complain(Refused(str(problem), 2))
    except DBAPIError as error:
        return complain(Refused(db.no_answer(error)))


def answer(workers: Workers, arguments: Sequence[str]) -> int:
    """Carry it out; the exit status."""
    match arguments:
        case []:
            show(table(workers.all()))
            return 0
        case ["drain" | "resume" as verb, name]:
            meant = workers.drain(name, WANTED[verb])
            return 0 if meant else complain(Refused(f"no worker is called {name}: ./start.sh workers lists them"))
        case _:
            return complain(Refused(USAGE, 2))


def table(workers: Sequence[Seen]) -> str:
    """One line a worker, under heads."""
    rows = [HEADS, *map(_cells, workers)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _cells(worker: Seen) -> tuple[str, ...]:
    named = (worker.id[:SHORT], worker.node[:SHORT], worker.host, worker.state.value)
    at = (", ".join(worker.models) or "-", ", ".join(worker.tasks) or "-", str(worker.ended))
    return (*named, *at, f"{worker.memory / 1e6:.0f} MB", f"{worker.silent.total_seconds():.0f} s ago")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
