"""The log of a whole service that writes for machines."""

import json
from typing import Any

from tests.end_to_end.service import Client, Service


def lines(service: Service) -> list[dict[str, Any]]:
    """What web tier, worker and migrations have said; start.sh speaks to people."""
    return [json.loads(line) for line in service.said().splitlines() if not line.startswith("start: ")]


def test_a_task_can_be_followed_from_its_request_to_its_end(production: Service) -> None:
    task = Client(production).sign_up("traced").submit()

    production.wait_for(lambda: any(_is(line, "task_completed", task) for line in lines(production)), "the end")

    followed = [line for line in lines(production) if line.get("task_id") == task]
    assert [line["event"] for line in followed] == ["task_queued", "run_began", "task_completed"]
    assert len({line["request_id"] for line in followed}) == 1


def _is(line: dict[str, Any], event: str, task: str) -> bool:
    return bool(line["event"] == event and line.get("task_id") == task)
