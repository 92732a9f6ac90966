"""Who imports whom, asked of Python itself: what one import brings along in a fresh process."""

from tests.architecture.conftest import RunPython

IMPORT_ALL = """
import importlib, pkgutil, sys
def import_all(package):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        importlib.import_module(module.name)
def loaded(*packages):
    return sorted(name for name in packages if name in sys.modules)
"""


def test_web_tier_imports_no_torch(run_python: RunPython) -> None:
    program = IMPORT_ALL + 'import_all("backend"); print(loaded("torch", "diffusers", "transformers", "worker"))'

    found = run_python(program)

    assert found == "[]"


def test_parent_of_the_worker_imports_no_torch(run_python: RunPython) -> None:
    program = IMPORT_ALL + (
        "import worker.__main__, worker.app, worker.tasks, worker.process\n"
        'print(loaded("torch", "diffusers", "transformers"))'
    )

    found = run_python(program)

    assert found == "[]"


def test_worker_imports_no_flask(run_python: RunPython) -> None:
    program = IMPORT_ALL + 'import_all("worker"); print(loaded("flask", "backend"))'

    found = run_python(program)

    assert found == "[]"
