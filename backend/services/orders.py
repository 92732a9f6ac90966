"""What somebody asks for, checked and completed: by a model of the catalogue, or by a provider of the user's own."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backend.services.blocked import Blocked
from backend.services.files import OwnFile
from backend.services.provider_keys import ProviderKeys
from backend.services.references import References
from shared.catalog import Catalog
from shared.entries import Limits
from shared.errors import Invalid, NotFound
from shared.generation import OF_PROVIDERS, Kind, Parameters
from shared.messages import GPU, IO

# What a provider is asked for beside the prompt. It takes or refuses the sizes itself: these only bound them.
PROVIDER_SIZE = Limits(min=64, max=4096, default=1024)
PROVIDER_COUNT = Limits(min=1, max=8, default=1)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody asks for; `requested` holds only the parameters that were given."""

    kind: Kind
    prompt: str
    requested: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """The same for orders that ask for the same."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=dict).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An order that can be queued: its queue, complete parameters, and the file of each reference as it was named."""

    queue: str
    parameters: Parameters
    images: Sequence[tuple[str, OwnFile]] = ()


class Orders:
    """Checks orders against what is offered now."""

    def __init__(
        self,
        catalog: Catalog,
        references: References,
        provider_keys: ProviderKeys,
        prompt_max_length: int,
        blocked: Blocked,
    ) -> None:
        self._catalog = catalog
        self._references = references
        self._provider_keys = provider_keys
        self._prompt_max_length = prompt_max_length
        self._blocked = blocked

    def prepare(self, user_id: int, order: Order) -> Prepared:
        """Raises Invalid naming the field that cannot be."""
        if len(order.prompt) > self._prompt_max_length:
            raise Invalid.of("prompt", "string_too_long", max_length=self._prompt_max_length)
        self._refuse_blocked(order.prompt)
        if order.requested.get("provider") is not None:
            return self._by_provider(user_id, order)
        model = self._catalog.choose(order.kind, order.requested.get("model"))
        model.refuse_images(order.kind, len(order.references))
        images = self._references.resolve(user_id, order.references)
        like = (images[0][1].width, images[0][1].height) if images else None
        parameters = model.fit(order.kind, order.requested, secrets.randbelow(2**32), like)
        return Prepared(queue=GPU, parameters=parameters, images=images)

    def refuse_impossible(self, user_id: int, kind: Kind, prompt: str, model: str, provider: str | None) -> None:
        """Raises Invalid when what a task needs is not offered, or what it asks for is not allowed, any more."""
        self._refuse_blocked(prompt)
        if provider is None:
            self._catalog.choose(kind, model)
        else:
            self._model_of(user_id, provider)

    def _refuse_blocked(self, prompt: str) -> None:
        if self._blocked.refuses(prompt):
            raise Invalid.of("prompt", "prompt_blocked")

    def _by_provider(self, user_id: int, order: Order) -> Prepared:
        requested = order.requested
        if order.kind is not Kind.TEXT_TO_IMAGE:
            raise Invalid.of("type", "provider_lacks_kind", kind=order.kind.value)
        if order.references:
            raise Invalid.of("images", "images_unexpected", kind=order.kind.value)
        for name in sorted(requested.keys() - {*OF_PROVIDERS, "priority"}):
            raise Invalid.of(f"parameters.{name}", "not_for_providers")
        model = self._model_of(user_id, requested["provider"])
        parameters = Parameters(
            provider=requested["provider"],
            model=requested.get("model") or model,
            width=int(PROVIDER_SIZE.fit("width", requested.get("width"))),
            height=int(PROVIDER_SIZE.fit("height", requested.get("height"))),
            num_images=int(PROVIDER_COUNT.fit("num_images", requested.get("num_images"))),
        )
        return Prepared(queue=IO, parameters=parameters)

    def _model_of(self, user_id: int, provider: str) -> str:
        try:
            return self._provider_keys.by_name(user_id, provider).model_name
        except NotFound as error:
            raise Invalid.of("parameters.provider", "unknown_provider") from error
