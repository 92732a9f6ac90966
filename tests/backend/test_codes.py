"""Mailed codes, on both stacks."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import Engine, QueuePool, event, select, update
from sqlalchemy.orm import Session

from backend.services.codes import ATTEMPTS, Codes, Proof, Purpose
from backend.services.mail import Mail
from shared import db
from shared.errors import AppError, CodeWrong, MailFailed, TooMany
from shared.models import VerificationCode
from tests.conftest import SECRET, Stack
from tests.fakes.mailer import FakeMailer, wrong
from tests.together import at_once

CAROL, DAVE = "carol@example.com", "dave@example.com"
RESET, CHANGE = Purpose.PASSWORD_RESET, Purpose.EMAIL_CHANGE
MANY = 12
ONLY_MARIADB = pytest.mark.parametrize("stack", ["mariadb"], indirect=True)  # SQLite has one writer at a time
Result = TypeVar("Result")


def compose(purpose: Purpose, address: str, code: str) -> Mail:
    return Mail(address, code, purpose, code, code)


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def another_engine(stack: Stack) -> Iterator[Engine]:
    engine = db.connect(stack.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def mailer() -> FakeMailer:
    return FakeMailer()


@pytest.fixture
def codes(session: Session, mailer: FakeMailer) -> Codes:
    return Codes(session, mailer, compose, SECRET, limited=True)


@pytest.fixture
def unlimited(session: Session, mailer: FakeMailer) -> Codes:
    return Codes(session, mailer, compose, SECRET, limited=False)


def spend(session: Session, codes: Codes, proof: Proof) -> None:
    with db.writing(session):
        codes.spend(proof)


def grow_older(engine: Engine, seconds: float) -> None:
    """All codes that are there."""
    with db.write(engine) as connection:
        for row in connection.execute(select(VerificationCode.id, VerificationCode.created_at)).all():
            times = {name: row.created_at - timedelta(seconds=less) for name, less in _ages(seconds).items()}
            connection.execute(update(VerificationCode).where(VerificationCode.id == row.id).values(times))


def _ages(seconds: float) -> dict[str, float]:
    return {"created_at": seconds, "expires_at": seconds - 600}


def is_right(codes: Codes, code: str) -> bool:
    try:
        return bool(codes.check(RESET, CAROL, code))
    except CodeWrong:
        return False


def of_many(engine: Engine, do: Callable[[Session], Result]) -> list[Result | AppError]:
    """What becomes of it when many do it in the same moment, each on a connection of their own."""

    def one() -> Result | AppError:
        with Session(engine) as session:
            try:
                return do(session)
            except AppError as error:
                return error

    return at_once(*[one] * MANY)


def test_a_code_has_six_digits_and_goes_to_its_address(codes: Codes, mailer: FakeMailer) -> None:
    codes.send(RESET, CAROL)

    [mail] = mailer.sent
    assert (mail.to, mail.subject) == (CAROL, RESET)
    assert len(mail.code) == 6
    assert mail.code.isascii()
    assert mail.code.isdigit()


def test_the_database_holds_no_code(codes: Codes, mailer: FakeMailer, engine: Engine) -> None:
    codes.send(RESET, CAROL)

    with Session(engine) as session:
        [kept] = session.scalars(select(VerificationCode)).all()
    assert mailer.code not in kept.code_hash
    assert len(kept.code_hash) == 64


def test_what_is_kept_depends_on_the_secret(codes: Codes, mailer: FakeMailer, session: Session) -> None:
    codes.send(RESET, CAROL)
    elsewhere = Codes(session, mailer, compose, "another secret", limited=True)

    with pytest.raises(CodeWrong):
        elsewhere.check(RESET, CAROL, mailer.code)


def test_the_right_code_works(codes: Codes, mailer: FakeMailer, session: Session) -> None:
    codes.send(RESET, CAROL)

    spend(session, codes, codes.check(RESET, CAROL, mailer.code))

    assert session.scalars(select(VerificationCode)).all() == []


def test_a_code_works_once(codes: Codes, mailer: FakeMailer, session: Session) -> None:
    codes.send(RESET, CAROL)
    spend(session, codes, codes.check(RESET, CAROL, mailer.code))

    with pytest.raises(CodeWrong):
        codes.check(RESET, CAROL, mailer.code)


def test_a_code_is_not_spent_by_a_transaction_that_fails(codes: Codes, mailer: FakeMailer, session: Session) -> None:
    codes.send(RESET, CAROL)
    proof = codes.check(RESET, CAROL, mailer.code)

    with suppress(LookupError), db.writing(session):
        codes.spend(proof)
        raise LookupError

    assert is_right(codes, mailer.code)


@pytest.mark.parametrize("guess", ["", "abcdef", "１２３４５６", "0" * 10_000, "\0", "😀"])
def test_whatever_is_not_the_code_is_wrong(codes: Codes, guess: str) -> None:
    codes.send(RESET, CAROL)

    with pytest.raises(CodeWrong):
        codes.check(RESET, CAROL, guess)


@pytest.mark.parametrize(("purpose", "address"), [(CHANGE, CAROL), (RESET, DAVE), (RESET, CAROL.upper())])
def test_a_code_is_good_for_its_purpose_and_its_address_only(
    codes: Codes, mailer: FakeMailer, purpose: Purpose, address: str
) -> None:
    codes.send(RESET, CAROL)

    with pytest.raises(CodeWrong):
        codes.check(purpose, address, mailer.code)


@pytest.mark.parametrize(("age", "works"), [(595, True), (601, False)])
def test_a_code_lives_ten_minutes(codes: Codes, mailer: FakeMailer, engine: Engine, age: float, works: bool) -> None:
    codes.send(RESET, CAROL)

    grow_older(engine, age)

    assert is_right(codes, mailer.code) is works


@pytest.mark.parametrize(("guesses", "works"), [(ATTEMPTS - 1, True), (ATTEMPTS, False)])
def test_after_five_wrong_guesses_the_right_code_is_wrong_too(
    codes: Codes, mailer: FakeMailer, guesses: int, works: bool
) -> None:
    codes.send(RESET, CAROL)

    outcomes = [is_right(codes, code) for code in [*[wrong(mailer.code)] * guesses, mailer.code]]

    assert outcomes == [*[False] * guesses, works]


def test_a_fresh_code_has_five_attempts_again(codes: Codes, mailer: FakeMailer, engine: Engine) -> None:
    codes.send(RESET, CAROL)
    guesses = [is_right(codes, wrong(mailer.code)) for _ in range(ATTEMPTS)]
    grow_older(engine, 61)

    codes.send(RESET, CAROL)

    assert not any(guesses)
    assert is_right(codes, mailer.code)


def test_a_fresh_code_replaces_the_one_before(
    codes: Codes, mailer: FakeMailer, engine: Engine, session: Session
) -> None:
    codes.send(RESET, CAROL)
    former = codes.check(RESET, CAROL, mailer.code)
    grow_older(engine, 61)
    codes.send(RESET, CAROL)

    with pytest.raises(CodeWrong):
        spend(session, codes, former)
    assert codes.check(RESET, CAROL, mailer.code) != former


@pytest.mark.parametrize(("age", "left"), [(0, 60), (20.5, 40), (59.5, 1)])
def test_an_address_gets_one_code_a_minute_and_is_told_when_the_next_may_come(
    codes: Codes, mailer: FakeMailer, engine: Engine, age: float, left: int
) -> None:
    codes.send(RESET, CAROL)
    grow_older(engine, age)

    with pytest.raises(TooMany) as refusal:
        codes.send(RESET, CAROL)

    assert refusal.value.retry_after in {left, left - 1}
    assert len(mailer.sent) == 1


def test_the_minute_is_the_addresss_whatever_the_code_is_for(codes: Codes, mailer: FakeMailer) -> None:
    codes.send(RESET, CAROL)

    with pytest.raises(TooMany):
        codes.send(CHANGE, CAROL)
    codes.send(CHANGE, DAVE)

    assert [mail.to for mail in mailer.sent] == [CAROL, DAVE]


def test_codes_for_several_purposes_live_beside_each_other(codes: Codes, mailer: FakeMailer, engine: Engine) -> None:
    codes.send(RESET, CAROL)
    reset = mailer.code
    grow_older(engine, 61)

    codes.send(CHANGE, CAROL)

    assert codes.check(RESET, CAROL, reset)
    assert codes.check(CHANGE, CAROL, mailer.code)


def test_without_limits_one_may_ask_at_any_time(unlimited: Codes, mailer: FakeMailer) -> None:
    unlimited.send(RESET, CAROL)
    unlimited.send(RESET, CAROL)

    assert len(mailer.sent) == 2
    assert unlimited.check(RESET, CAROL, mailer.code)


def test_after_a_mail_that_failed_one_may_ask_at_once(codes: Codes, mailer: FakeMailer, session: Session) -> None:
    mailer.away = True
    with pytest.raises(MailFailed):
        codes.send(RESET, CAROL)
    assert session.scalars(select(VerificationCode)).all() == []
    mailer.away = False

    codes.send(RESET, CAROL)

    assert codes.check(RESET, CAROL, mailer.code)


def test_a_mail_that_failed_takes_only_its_own_code_along(unlimited: Codes, engine: Engine) -> None:
    good = FakeMailer()

    def ask_again() -> None:
        with Session(engine) as other:
            Codes(other, good, compose, SECRET, limited=False).send(RESET, CAROL)

    with Session(engine) as session, pytest.raises(MailFailed):
        Codes(session, FakeMailer(away=True, meanwhile=ask_again), compose, SECRET, limited=False).send(RESET, CAROL)

    assert unlimited.check(RESET, CAROL, good.code)


def test_no_connection_is_held_while_a_mail_is_under_way(codes: Codes, mailer: FakeMailer, engine: Engine) -> None:
    held: list[int] = []
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    mailer.meanwhile = lambda: held.append(pool.checkedout())

    codes.send(RESET, CAROL)

    assert held == [0]


def test_of_many_who_use_a_code_at_once_one_succeeds(codes: Codes, mailer: FakeMailer, engine: Engine) -> None:
    codes.send(RESET, CAROL)

    def use(session: Session) -> bool:
        mine = Codes(session, mailer, compose, SECRET, limited=True)
        spend(session, mine, mine.check(RESET, CAROL, mailer.code))
        return True

    outcomes = of_many(engine, use)

    assert outcomes.count(True) == 1
    assert {type(outcome) for outcome in outcomes} == {bool, CodeWrong}


def test_of_many_guesses_at_once_five_are_compared(codes: Codes, mailer: FakeMailer, engine: Engine) -> None:
    codes.send(RESET, CAROL)

    def guess(session: Session) -> Proof:
        return Codes(session, mailer, compose, SECRET, limited=True).check(RESET, CAROL, mailer.code)

    outcomes = of_many(engine, guess)

    assert sum(isinstance(outcome, Proof) for outcome in outcomes) == ATTEMPTS


@pytest.mark.parametrize("before", [0, 1])
def test_of_many_who_ask_at_once_one_gets_a_mail(codes: Codes, mailer: FakeMailer, engine: Engine, before: int) -> None:
    for _ in range(before):
        codes.send(RESET, CAROL)
    grow_older(engine, 61)

    def ask(session: Session) -> None:
        Codes(session, mailer, compose, SECRET, limited=True).send(RESET, CAROL)

    outcomes = of_many(engine, ask)

    assert outcomes.count(None) == len(mailer.sent) - before == 1
    assert {type(outcome) for outcome in outcomes} == {type(None), TooMany}


def between(engine: Engine, verb: str, do: Callable[[], object]) -> None:
    """Do it once, just before the engine's first statement with this verb."""

    def look(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith(verb) and not done:
            done.append(statement)
            do()

    done: list[str] = []
    event.listen(engine, "before_cursor_execute", look)


@ONLY_MARIADB
@pytest.mark.parametrize(("before", "verb"), [(0, "INSERT"), (1, "SELECT")])
def test_of_two_who_ask_when_a_minute_is_over_one_gets_a_mail(
    codes: Codes, mailer: FakeMailer, engine: Engine, another_engine: Engine, before: int, verb: str
) -> None:
    for _ in range(before):
        codes.send(RESET, CAROL)
    grow_older(engine, 61)

    def ask() -> None:
        with Session(another_engine) as session:
            Codes(session, mailer, compose, SECRET, limited=True).send(RESET, CAROL)

    between(engine, verb, ask)

    with pytest.raises(TooMany):
        codes.send(RESET, CAROL)

    assert len(mailer.sent) == before + 1
    assert is_right(codes, mailer.code)


@ONLY_MARIADB
def test_without_limits_the_later_of_two_replaces_the_other(
    unlimited: Codes, mailer: FakeMailer, engine: Engine, another_engine: Engine
) -> None:
    def ask() -> None:
        with Session(another_engine) as session:
            Codes(session, mailer, compose, SECRET, limited=False).send(RESET, CAROL)

    between(engine, "INSERT", ask)

    unlimited.send(RESET, CAROL)

    assert [is_right(unlimited, mail.code) for mail in mailer.sent] == [False, True]


def test_without_limits_all_who_ask_at_once_get_a_mail(mailer: FakeMailer, engine: Engine) -> None:
    def ask(session: Session) -> None:
        Codes(session, mailer, compose, SECRET, limited=False).send(RESET, CAROL)

    outcomes = of_many(engine, ask)

    assert outcomes == [None] * MANY
    assert len(mailer.sent) == MANY
