"""Names that are no task's, wherever a path has one, on both stacks."""

import pytest

from tests.backend.conftest import Person

WAYS = [("GET", ""), ("GET", "/events"), ("GET", "/preview"), ("DELETE", ""), ("POST", "/retry")]
NO_NAMES = ["%00", "task_0%00", "x" * 1_000_000, "圆", "😀", "%ff%fe", "..%2f..", "' OR 1=1 --", "%20"]


@pytest.mark.parametrize("name", NO_NAMES, ids=range(len(NO_NAMES)))
def test_a_name_that_is_no_task_is_not_found(alice: Person, name: str) -> None:
    unknown = [alice.call(method, f"/api/v1/generation/task_0{end}") for method, end in WAYS]

    answers = [alice.call(method, f"/api/v1/generation/{name}{end}") for method, end in WAYS]

    assert {answer.status_code for answer in answers} == {404}
    assert [answer.get_json() for answer in answers] == [answer.get_json() for answer in unknown]
