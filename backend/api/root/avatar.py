"""A user's avatar, by its url."""

from backend.api.root import gin
from backend.api.root.schemas.avatar import Avatar, AvatarChange
from backend.contract import Caller
from backend.services.accounts import Account
from backend.wiring import services


@gin.route(
    "POST",
    "/auth/setavatar",
    caller=Caller.USER,
    body=AvatarChange,
    returns=Avatar,
    message="avatar_changed",
    fault="avatar_not_changed",
)
def set_avatar(user: Account, body: AvatarChange) -> Avatar:
    """Show the picture at this http or https url, which may not lead into a private network."""
    return Avatar(services().avatar_urls.change(user.id, body.url))


@gin.route("GET", "/auth/getavatar", caller=Caller.USER, returns=Avatar, message="avatar_read", fault="avatar_not_read")
def get_avatar(user: Account) -> Avatar:
    """The url of the caller's avatar, null where there is none."""
    return Avatar(user.avatar_url)
