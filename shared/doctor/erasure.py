"""Accounts whose erasure takes too long."""

from sqlalchemy import Engine, func, select

from shared.doctor.finding import Finding, listed
from shared.erasure import late
from shared.models import User

ADVICE = "start a worker; if one runs, its log says what it cannot remove (account_not_erased)"


def erasures(engine: Engine) -> Finding:
    """Whether each has come to its end within an hour."""
    erased = select(func.count()).select_from(User).where(User.erased_at.is_not(None))
    with engine.connect() as connection:
        under_way = connection.scalar(erased) or 0
        overdue = connection.scalars(select(User.id).where(late()).order_by(User.id)).all()
    if overdue:
        said = f"{len(overdue)} accounts should have been erased long ago: {listed([str(id) for id in overdue])}"
        return Finding("erasure", said, ADVICE)
    return Finding("erasure", f"{under_way} accounts are being erased" if under_way else "no account is to be erased")
