"""Avatars that lie elsewhere: urls, which this service looks at and never fetches.

Whoever draws an avatar fetches it, so no url may lead to a machine that only its reader can reach.
"""

from backend.services.accounts import Accounts
from shared.addresses import Addresses, FetchRefused
from shared.errors import Invalid
from shared.wire import PORTS, Target

SECONDS = 5.0


class AvatarUrls:
    """The avatars of all users that are urls."""

    def __init__(self, accounts: Accounts, addresses: Addresses) -> None:
        self._accounts = accounts
        self._addresses = addresses

    def change(self, user_id: int, url: str) -> str:
        """Raises Invalid for what is no http or https url of a machine on the open internet."""
        try:
            target = Target.of(url)
            self._addresses.find(target.host, PORTS[target.scheme], SECONDS)  # whatever its port: nobody connects
        except FetchRefused as error:
            raise Invalid.of("url", "fetch_refused") from error
        except (OSError, ValueError) as error:
            raise Invalid.of("url", "unresolvable") from error
        self._accounts.set_avatar(user_id, url)
        return url
