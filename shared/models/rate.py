"""How long a model takes, and how good the service is at telling so beforehand: both as measured."""

from sqlalchemy import Double, String
from sqlalchemy.orm import Mapped, mapped_column

from shared.models.base import Base


class Rate(Base):
    """One model and kind. `p50` and `p90` are of how long a run took, measured by predicted.

    What begins with `eta` is of whole tasks, from their submit to their end: p50 and p90 of the same ratio, the mean
    absolute error relative to how long it took, and the part of all that ended before their p90.
    """

    __tablename__ = "rates"
    __table_args__ = {**Base.__table_args__, "sqlite_autoincrement": False}  # noqa: RUF012 - as in Base

    model: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    runs: Mapped[int]
    seconds_per_unit: Mapped[float] = mapped_column(Double)
    p50: Mapped[float] = mapped_column(Double)
    p90: Mapped[float] = mapped_column(Double)
    etas: Mapped[int]
    eta_p50: Mapped[float] = mapped_column(Double)
    eta_p90: Mapped[float] = mapped_column(Double)
    eta_error: Mapped[float] = mapped_column(Double)
    eta_covered: Mapped[float] = mapped_column(Double)
