"""Users' own providers: whatever speaks OpenAI's API at a base url, asked with a user's key.

Owns what is asked for and how an answer is read. A call ends within its seconds, is never repeated, and fails with
ProviderFailed only; neither the key nor anything that the provider said is in it.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Protocol, Self, TypeVar

import httpx2
import openai
from pydantic import BaseModel, Field, ValidationError

from shared.addresses import Addresses, FetchRefused, addresses_of
from shared.errors import ProviderFailed
from shared.fetcher import FetchFailed, fetch
from shared.settings import Settings
from shared.transport import Broken, Transport
from shared.wire import Deadline, Line

TEXT_BYTES = 4 * 1024 * 1024  # of an answer without pictures; the longest lists of models have some hundred kilobytes
IMAGE_BYTES = 32 * 1024 * 1024  # of one picture

Answer = TypeVar("Answer", bound=BaseModel)


class Raw(Protocol):
    """A body as it came."""

    @property
    def content(self) -> bytes: ...


Ask = Callable[[openai.OpenAI], Raw]


class Message(BaseModel):
    content: str


class Choice(BaseModel):
    message: Message


class Completion(BaseModel):
    """What is read of a chat's answer."""

    choices: Annotated[list[Choice], Field(min_length=1)]


class Image(BaseModel):
    b64_json: str | None = None
    url: str | None = None


class Images(BaseModel):
    """What is read of an answer with pictures."""

    data: Annotated[list[Image], Field(min_length=1)]


class ModelName(BaseModel):
    id: str


class ModelNames(BaseModel):
    """What is read of the list of models."""

    data: list[ModelName]


class Provider:
    """One user's access to one model. Each call has `seconds` for all that belongs to it."""

    def __init__(self, base_url: str, key: str, model: str, addresses: Addresses, seconds: float) -> None:
        self._base_url = base_url
        self._key = key
        self._model = model
        self._line = Line(addresses)
        self._seconds = seconds

    @classmethod
    def of(cls, base_url: str, key: str, model: str, settings: Settings) -> Self:
        """As the settings allow: which private hosts may be providers, and how long one may take."""
        return cls(base_url, key, model, addresses_of(settings.provider_hosts), settings.provider_seconds)

    def chat(self, system: str, user: str) -> str:
        """The model's answer, stripped and never empty. Raises ProviderFailed."""
        said = self._chat(system, user, Deadline(self._seconds)).choices[0].message.content.strip()
        if not said:
            raise ProviderFailed("provider_garbage")
        return said

    def images(self, prompt: str, count: int, width: int, height: int) -> list[bytes]:
        """`count` encoded pictures, as the provider made them: of which size and type is its affair.

        Raises ProviderFailed.
        """
        deadline = Deadline(self._seconds)
        found = self._ask(
            Images,
            lambda client: client.images.with_raw_response.generate(
                model=self._model, prompt=prompt, n=count, size=f"{width}x{height}"
            ),
            deadline,
            count * IMAGE_BYTES * 4 // 3 + TEXT_BYTES,
        )
        if len(found.data) < count:
            raise ProviderFailed("provider_garbage")
        return [self._picture(image, deadline) for image in found.data[:count]]

    def test(self) -> None:
        """Whether the provider answers and takes the key, as cheaply as it lets us know. Raises ProviderFailed."""
        deadline = Deadline(self._seconds)
        try:
            self._ask(ModelNames, lambda client: client.models.with_raw_response.list(), deadline, TEXT_BYTES)
        except ProviderFailed as error:
            if error.reason not in {"provider_rejected", "provider_garbage"}:
                raise
            self._chat("Say hello.", "Hello.", deadline, max_tokens=1)  # a provider without a list of models

    def _chat(self, system: str, user: str, deadline: Deadline, max_tokens: int | None = None) -> Completion:
        return self._ask(
            Completion,
            lambda client: client.chat.completions.with_raw_response.create(
                model=self._model,
                messages=[{"role": "system", "content": system}, {"role": "user", "content": user}],
                max_tokens=max_tokens or openai.omit,
            ),
            deadline,
            TEXT_BYTES,
        )

    def _ask(self, kind: type[Answer], ask: Ask, deadline: Deadline, max_bytes: int) -> Answer:
        transport = Transport(self._line, self._key, deadline, max_bytes)
        with httpx2.Client(transport=transport, trust_env=False, follow_redirects=False) as http:
            try:
                client = openai.OpenAI(api_key=self._key, base_url=self._base_url, http_client=http, max_retries=0)
                return kind.model_validate_json(ask(client).content)
            except Broken as error:
                reason = error.reason
            except (openai.OpenAIError, ValidationError):
                reason = "provider_garbage"
        raise ProviderFailed(reason)  # here and not above: no error that knows more hangs on it

    def _picture(self, image: Image, deadline: Deadline) -> bytes:
        """Raises ProviderFailed."""
        data = self._fetched(image.url, deadline) if image.url else _decoded(image.b64_json or "")
        if not data or len(data) > IMAGE_BYTES:
            raise ProviderFailed("provider_garbage")
        return data

    def _fetched(self, url: str, deadline: Deadline) -> bytes:
        """From wherever the provider keeps it, without the key. Raises ProviderFailed."""
        try:
            return fetch(self._line, url, IMAGE_BYTES, deadline)
        except FetchRefused:
            reason = "provider_refused"
        except FetchFailed as error:
            reason = "provider_timeout" if isinstance(error.__cause__, TimeoutError) else "provider_garbage"
        raise ProviderFailed(reason)


def _decoded(text: str) -> bytes:
    """Empty for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
