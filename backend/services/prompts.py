"""Better prompts for pictures, written by the chat model of a user's own provider."""

from dataclasses import dataclass

from backend.services.provider_keys import KnownKey, ProviderKeys
from shared.errors import Invalid, NotFound

TASK = (
    "You write prompts for a text-to-image model. Rewrite what the user sends as one better prompt: keep its subject "
    "and intent, add fitting details of composition, light, style and mood. Answer with the prompt alone, at most "
    "{limit} characters, without quotation marks or explanations."
)
LANGUAGES = {"zh": " Write it in Chinese.", "en": " Write it in English.", None: " Write it in the user's language."}


@dataclass(frozen=True)
class Enhanced:
    """A prompt before and after, and the name of the key whose provider wrote it."""

    prompt: str
    original: str
    api_name: str


class Prompts:
    """Asks the providers; a prompt has `limit` characters at most."""

    def __init__(self, keys: ProviderKeys, limit: int) -> None:
        self._keys = keys
        self._limit = limit

    def enhance(self, user_id: int, prompt: str, api_name: str | None, language: str | None) -> Enhanced:
        """By the key of this name, else by the user's first. Raises Invalid, ProviderFailed, Unavailable."""
        if len(prompt) > self._limit:
            raise Invalid.of("prompt", "string_too_long", max_length=self._limit)
        key = self._chosen(user_id, api_name)
        task = TASK.format(limit=self._limit) + LANGUAGES[language]
        written = self._keys.ask(user_id, key.id, lambda provider: provider.chat(task, prompt))
        return Enhanced(written[: self._limit].strip(), prompt, key.api_name)

    def _chosen(self, user_id: int, api_name: str | None) -> KnownKey:
        try:
            return self._keys.default(user_id) if api_name is None else self._keys.by_name(user_id, api_name)
        except NotFound as error:
            raise Invalid.of("api_name", "unknown_provider") from error
