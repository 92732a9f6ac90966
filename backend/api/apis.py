"""The routes of provider keys, which two contracts have, each in its envelope."""

from typing import Any

from backend.api.provider_keys import Api, ApiChange, NewApi
from backend.contract import Api as Contracts
from backend.contract import Caller, Page
from backend.services.accounts import Account
from backend.services.provider_keys import KnownKey
from backend.wiring import services
from shared.errors import ApiKeysFull, ApiNameTaken, Invalid, NotFound, ProviderFailed

ID = "<int:id>"


def create_api(user: Account, body: NewApi) -> KnownKey:
    """Keep a key."""
    return services().provider_keys.create(user.id, body.api_name, body.api_key, body.model_name, body.base_url)


def list_apis(user: Account) -> Page:
    """All of the caller's keys, at most 100, the first one first."""
    return Page(services().provider_keys.all(user.id), None)


def find_api(id: int, user: Account) -> KnownKey:
    """One key."""
    return services().provider_keys.find(user.id, id)


def find_api_by_name(name: str, user: Account) -> KnownKey:
    """The key of this name."""
    return services().provider_keys.by_name(user.id, name)


def find_default_api(user: Account) -> KnownKey:
    """The first key, which is taken where none is chosen."""
    return services().provider_keys.default(user.id)


def change_api(id: int, user: Account, body: ApiChange) -> KnownKey:
    """Change what is given."""
    return services().provider_keys.update(user.id, id, body.model_dump(exclude_unset=True))


def delete_api(id: int, user: Account) -> None:
    """Forget a key."""
    services().provider_keys.delete(user.id, id)


def try_api(id: int, user: Account) -> None:
    """Whether the provider answers and takes the key; a failure says why."""
    services().provider_keys.test(user.id, id)


FOUND: dict[str, Any] = {"returns": Api, "errors": (NotFound,)}
ROUTES: tuple[tuple[str, str, Any, dict[str, Any]], ...] = (
    ("POST", "", create_api, {"body": NewApi, "returns": Api, "message": "api_created"}),
    ("GET", "", list_apis, {"returns": Api, "paged": True}),
    ("GET", f"/{ID}", find_api, FOUND),
    ("GET", "/by-name/<name>", find_api_by_name, FOUND),
    ("GET", "/default", find_default_api, FOUND),
    ("PUT", f"/{ID}", change_api, {"body": ApiChange, "returns": Api, "message": "api_changed"}),
    ("DELETE", f"/{ID}", delete_api, {"message": "api_deleted", "errors": (NotFound,)}),
    ("POST", f"/{ID}/test", try_api, {"message": "api_works", "errors": (NotFound, ProviderFailed)}),
)
REFUSED = {"POST": (Invalid, ApiNameTaken, ApiKeysFull), "PUT": (Invalid, ApiNameTaken, NotFound)}


def mount(api: Contracts, at: str) -> None:
    """Register the routes below `at` of this contract."""
    for method, rule, view, terms in ROUTES:
        failures = terms.get("errors") or REFUSED.get(method, ())
        api.route(method, at + rule, caller=Caller.USER, **{**terms, "errors": failures})(view)
