"""What this process may still work on."""

import time

from sqlalchemy import Engine

from shared.claims import Claims
from tests.orders import add_task, add_user, claim_of
from worker.leases import Leases


def test_a_fresh_claim_is_held(leases: Leases) -> None:
    leases.hold([claim_of()], time.monotonic())

    assert leases.holds(claim_of())


def test_a_lease_that_nobody_could_renew_is_lost_by_this_clock(leases: Leases) -> None:
    leases.hold([claim_of()], time.monotonic() - 16)

    assert not leases.holds(claim_of())


def test_renewing_prolongs_what_the_database_says_is_ours(engine: Engine, claims: Claims, leases: Leases) -> None:
    add_task(engine, add_user(engine))
    [claim] = claims.claim("gpu", lambda model: 1)
    leases.hold([claim], time.monotonic() - 16)

    leases.renew()

    assert leases.holds(claim)


def test_renewing_loses_what_the_database_gave_to_somebody_else(engine: Engine, claims: Claims, leases: Leases) -> None:
    add_task(engine, add_user(engine))
    [claim] = claims.claim("gpu", lambda model: 1)
    leases.hold([claim], time.monotonic())
    claims.give_back([(claim.id, claim.fence)])

    leases.renew()

    assert not leases.holds(claim)
