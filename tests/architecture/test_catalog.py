"""The catalogue promises only what the worker can do, and the shipped file keeps to its own rules."""

import ast
from pathlib import Path

from shared.catalog import Catalog
from shared.generation import Kind
from shared.sampling import SAMPLING_METHODS
from shared.settings import Settings
from tests.architecture.conftest import Sources


def test_sampling_methods_are_those_that_have_a_scheduler(sources: Sources) -> None:
    (table,) = (
        node.value
        for node in sources["worker/pipelines/samplers.py"].body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "SCHEDULERS" and node.value
    )

    schedulers = ast.literal_eval(table)

    assert sorted(schedulers) == sorted(SAMPLING_METHODS)


def test_shipped_models_file_offers_a_model_that_is_in_the_repository(settings: Settings) -> None:
    model = Catalog.read(settings.models_file).choose(Kind.TEXT_TO_IMAGE, None)

    assert Path(model.source).is_dir()
