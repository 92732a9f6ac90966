"""What the user of a task should know of it, although it was taken: the words that its model passes over."""

from dataclasses import replace

from backend.services.generation import Generation, Notice
from shared.catalog import Catalog

MOST_WORDS = 20


class Advice:
    """By the models of the catalogue; what providers make of a prompt nobody knows."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def beside(self, task: Generation) -> Generation:
        """The task with its warnings. They depend on nothing but what was asked for, so replays have the same."""
        return replace(task, warnings=tuple(self._unknown_words(task)))

    def _unknown_words(self, task: Generation) -> list[Notice]:
        model = None if task.parameters.get("provider") else self._catalog.models.get(task.model)
        if model is None or model.vocabulary is None:
            return []
        texts = {"prompt": task.prompt, "parameters.negative_prompt": task.parameters.get("negative_prompt") or ""}
        found = {field: model.vocabulary.unknown(text, MOST_WORDS) for field, text in texts.items()}
        return [Notice("unknown_words", field, words) for field, words in found.items() if words]
