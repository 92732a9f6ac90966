"""`./start.sh backup save FILE` and `./start.sh backup restore FILE`."""

import argparse
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from shared import db, settings
from shared.backup import archive
from shared.backup.database import NotDone
from shared.settings import Settings
from shared.storage import folder_of

BEFORE = "Save .env too: without its SECRET_KEY users' provider keys cannot be read.\n"
AFTER = "Now start the service, and look with ./start.sh doctor --checksums.\n"
IN_A_BUCKET = "The files are in {url}: they are for its own backup.\n"


def main(arguments: Sequence[str]) -> int:
    """0 when it is done; 1, with a line that says why, when it is not."""
    asked = _parsed(arguments)
    try:
        configured = settings.load()
        sys.stdout.write(_save(configured, asked.file) if asked.what == "save" else _restore(configured, asked.file))
    except settings.InvalidSettings as error:
        return _refused(f"{error}: see .env.example", 2)
    except SQLAlchemyError as error:
        return _refused(f"the database does not answer: {getattr(error, 'orig', None) or type(error).__name__}")
    except tarfile.TarError as error:
        return _refused(f"{asked.file} is no archive of this service, or is damaged: {error}")
    except (NotDone, OSError) as error:
        return _refused(str(error))
    return 0


def _save(configured: Settings, file: Path) -> str:
    engine = db.connect(configured.database)
    count = archive.save(engine, _folder(configured), file)
    return f"{file}: the database and {count} files, {file.stat().st_size} bytes.\n{_bucket(configured)}{BEFORE}"


def _restore(configured: Settings, file: Path) -> str:
    engine = db.connect(configured.database)
    count = archive.restore(engine, folder_of(configured), file)
    return f"{file}: the database and {count} files are restored.\n{_bucket(configured)}{AFTER}"


def _folder(configured: Settings) -> Path | None:
    return None if configured.storage_url else folder_of(configured)


def _bucket(configured: Settings) -> str:
    return IN_A_BUCKET.format(url=configured.storage_url) if configured.storage_url else ""


def _refused(why: str, status: int = 1) -> int:
    sys.stderr.write(f"backup: {' '.join(why.split())}\n")
    return status


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./start.sh backup", description="Saves the database and the files, or restores them."
    )
    parser.add_argument("what", choices=["save", "restore"])
    parser.add_argument(
        "file", type=lambda text: Path(text).resolve(), help="the archive, from the project's folder if relative"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
