"""The hints on their way from the web tier to a worker: their form, and that somebody listens."""

import dataclasses
import inspect
import json

from shared import messages
from tests.architecture.conftest import RunPython

SNAPSHOTS = {
    messages.Wake: ("darkroom.wake", '{"queue": "gpu"}'),
}

ARGUMENTS_OF_THE_WORKER = """
import json, sys, types
app = types.SimpleNamespace(worker_main=lambda arguments: print(json.dumps(arguments)))
sys.modules["worker.app"] = types.SimpleNamespace(app=app)
from worker.__main__ import main
main()
"""

TASKS_OF_THE_WORKER = """
import json
from worker.app import app
app.loader.import_default_modules()
print(json.dumps([name for name in app.tasks if not name.startswith("celery.")]))
"""


def test_every_message_travels_in_the_known_form() -> None:
    classes = [cls for _, cls in inspect.getmembers(messages, dataclasses.is_dataclass)]

    travelling = {cls: (cls.name, json.dumps(cls().payload())) for cls in classes}

    assert travelling == SNAPSHOTS


def test_every_message_goes_to_a_known_queue() -> None:
    assert {cls().queue for cls in SNAPSHOTS} == set(messages.QUEUES)


def test_worker_listens_to_all_queues_and_no_other(run_python: RunPython) -> None:
    arguments = json.loads(run_python(ARGUMENTS_OF_THE_WORKER))

    queues = arguments[arguments.index("--queues") + 1].split(",")

    assert queues == list(messages.QUEUES)


def test_worker_handles_all_messages_and_nothing_else(run_python: RunPython) -> None:
    handled = json.loads(run_python(TASKS_OF_THE_WORKER))

    assert sorted(handled) == sorted(cls.name for cls in SNAPSHOTS)
