"""`python -m shared.doctor`: looks at everything once, says what it found, and ends with 1 if anything is wrong."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from shared import db, settings
from shared.doctor import erasure, files, service, trash
from shared.doctor.finding import Finding
from shared.kept import KeptFiles
from shared.settings import Settings
from shared.storage import storage_of


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    asked = _parsed(arguments)
    try:
        configured = settings.load()
    except settings.InvalidSettings as error:
        sys.stderr.write(f"doctor: {error}: see .env.example\n")
        return 2
    well = True
    for finding in examine(configured, checksums=asked.checksums, repair=asked.repair):
        sys.stdout.write(f"{finding}\n")
        sys.stdout.flush()
        well = well and finding.is_well
    return 0 if well else 1


def examine(configured: Settings, *, checksums: bool = False, repair: bool = False) -> Iterator[Finding]:
    """Each finding as it comes; without the database there is less to look at."""
    engine = db.connect(configured.database)
    storage = storage_of(configured)
    database = service.database(configured, engine)
    yield database
    yield service.broker(configured)
    disk = service.disk(configured, storage)
    yield disk
    yield service.models(configured)
    if database.is_well:
        kept = KeptFiles(engine, configured.orphan_hours)
        yield service.workers(configured, engine)
        yield service.leases(configured, engine)
        yield trash.trash(configured, engine, repair)
        yield trash.sizes(engine, repair)
        yield erasure.erasures(engine)
        if disk.is_well or not configured.storage_url:  # each file of a bucket that is away would be waited for
            yield files.missing(storage, kept, checksums)
            yield files.left_over(storage, kept, configured.orphan_hours, repair)
    engine.dispose()


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./start.sh doctor", description="Looks whether everything is in order.")
    parser.add_argument("--checksums", action="store_true", help="read every file and compare it with its row")
    repair = "remove files that no row has known for ORPHAN_HOURS, and correct what is wrong with trash and sizes"
    parser.add_argument("--repair", action="store_true", help=repair)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
