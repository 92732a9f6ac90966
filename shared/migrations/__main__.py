"""`python -m shared.migrations`: bring the configured database to the newest schema."""

import sys

from sqlalchemy.exc import OperationalError

from shared import db, migrations, settings


def main() -> int:
    """0 when the database is at the newest schema."""
    try:
        configured = settings.load()
    except settings.InvalidSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        migrations.upgrade(db.connect(configured.database, patience=None))
    except OperationalError as error:
        sys.stderr.write(f"DATABASE_URL: the database does not answer ({type(error.orig).__name__}: {error.orig})\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
