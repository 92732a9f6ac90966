"""Prompts that the service does not take."""

from pathlib import Path

import pytest

from backend.services.blocked import Blocked
from shared.settings import InvalidSettings, Settings
from tests.backend.conftest import Person

RULES = """
# words
forbidden
two words
禁止
C++

# patterns
/secret\\d+/
/^begin/
"""


@pytest.mark.parametrize(
    "prompt",
    [
        "a forbidden cat",
        "FORBIDDEN",
        "ｆｏｒｂｉｄｄｅｎ",
        "(forbidden:1.3), cat",
        "forbidden_cat",
        "some two words here",
        "这是禁止的",
        "written in C++",
        "a secret42",
        "begin with this",
    ],
)
def test_what_the_file_names_is_refused(prompt: str) -> None:
    assert Blocked(RULES.splitlines()).refuses(prompt)


@pytest.mark.parametrize(
    "prompt", ["", "a cat", "unforbidden", "forbiddenly", "two  words", "a secret", "we begin", "words", "# words"]
)
def test_what_it_does_not_name_is_taken(prompt: str) -> None:
    assert not Blocked(RULES.splitlines()).refuses(prompt)


@pytest.mark.parametrize("lines", [[], ["", "  ", "# nothing"]])
def test_an_empty_file_refuses_nothing(lines: list[str]) -> None:
    assert not Blocked(lines).refuses("anything")


@pytest.mark.parametrize("content", [b"/(/", b"/a)|(b/", b"\xff\xfe\x00", None])
def test_a_file_that_is_wrong_keeps_the_service_from_starting(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "blocked.txt"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(InvalidSettings, match="BLOCKED_PROMPTS_FILE"):
        Blocked.of(file)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    file = tmp_path / "blocked.txt"
    file.write_text(RULES, "utf-8")
    return settings.model_copy(update={"blocked_prompts_file": file})


def test_a_blocked_prompt_is_a_fault_of_the_field(alice: Person) -> None:
    response = alice.submit(prompt="a forbidden cat")

    assert response.status_code == 400
    assert [problem["field"] for problem in response.get_json()["error"]["fields"]] == ["prompt"]
    assert "forbidden" not in response.text


def test_other_prompts_are_taken(alice: Person) -> None:
    assert alice.submit(prompt="a red circle").status_code == 200


def test_what_is_blocked_by_now_is_not_tried_again(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    task = alice.submit(prompt="a red circle").get_json()["data"]["task_id"]
    alice.call("DELETE", f"/api/v1/generation/{task}")
    monkeypatch.setattr(Blocked, "refuses", lambda rules, prompt: "red" in prompt)

    response = alice.call("POST", f"/api/v1/generation/{task}/retry")

    assert response.status_code == 400
    assert [problem["field"] for problem in response.get_json()["error"]["fields"]] == ["prompt"]
