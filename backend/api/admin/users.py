"""Users: find, create and change them, shut them out and let them in again."""

from backend.api.admin import api
from backend.api.admin.schemas.users import FreshPassword, NewUser, User, UserChange, UsersQuery
from backend.api.v1.schemas.account import Erased
from backend.contract import Caller, Page
from backend.services import erasure
from backend.services.accounts import Account
from backend.services.administration.users import KnownUser
from backend.wiring import services
from shared.errors import AccountTaken, EmailTaken, LastAdmin, MailFailed, NotFound, OwnAccount, TooMany

ID = "/users/<int:user_id>"


@api.route("GET", "/users", caller=Caller.ADMIN, query=UsersQuery, returns=User, paged=True)
def list_users(admin: Account, query: UsersQuery) -> Page:
    """Users, the newest first."""
    found = services().administration.users.page(query.asked())
    return Page(found.items, found.next_cursor)


@api.route(
    "POST",
    "/users",
    caller=Caller.ADMIN,
    body=NewUser,
    returns=User,
    message="registered",
    errors=(AccountTaken, EmailTaken),
)
def create_user(admin: Account, body: NewUser) -> KnownUser:
    """Add a user; no captcha is asked for."""
    return services().administration.users.create(admin, **dict(body))


@api.route("GET", ID, caller=Caller.ADMIN, returns=User, errors=(NotFound,))
def show_user(admin: Account, user_id: int) -> KnownUser:
    """One user."""
    return services().administration.users.find(user_id)


@api.route("PATCH", ID, caller=Caller.ADMIN, body=UserChange, returns=User, errors=(NotFound, OwnAccount))
def change_user(admin: Account, user_id: int, body: UserChange) -> KnownUser:
    """Give somebody another role, or caps of their own."""
    return services().administration.users.change(admin, user_id, body.model_dump(exclude_unset=True))


@api.route("POST", f"{ID}/disable", caller=Caller.ADMIN, returns=User, errors=(NotFound, OwnAccount))
def disable_user(admin: Account, user_id: int) -> KnownUser:
    """Shut somebody out: their tokens end, what waits is cancelled, what runs stops at its next step."""
    return services().administration.users.disable(admin, user_id)


@api.route("POST", f"{ID}/enable", caller=Caller.ADMIN, returns=User, errors=(NotFound,))
def enable_user(admin: Account, user_id: int) -> KnownUser:
    """Let somebody log in again."""
    return services().administration.users.enable(admin, user_id)


@api.route(
    "DELETE",
    ID,
    caller=Caller.ADMIN,
    returns=Erased,
    message="account_erased",
    statuses=(202,),
    errors=(NotFound, OwnAccount, LastAdmin),
)
def erase_user(admin: Account, user_id: int) -> erasure.Erased:
    """Close somebody's account for good, with everything that it has."""
    return services().erasure.remove(admin, user_id)


@api.route("POST", f"{ID}/password", caller=Caller.ADMIN, returns=FreshPassword, errors=(NotFound,))
def replace_user_password(admin: Account, user_id: int) -> FreshPassword:
    """A one-time password for somebody, which only this answer shows; all of their tokens end."""
    return FreshPassword(password=services().administration.users.one_time_password(admin, user_id))


@api.route(
    "POST",
    f"{ID}/password/mail",
    caller=Caller.ADMIN,
    message="mail_sent",
    errors=(NotFound, TooMany, MailFailed),
)
def mail_user_code(admin: Account, user_id: int) -> None:
    """Mail somebody the code with which they can reset their password."""
    services().administration.users.mail_code(admin, user_id)
