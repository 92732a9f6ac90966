"""start.sh itself, in a small clone: what it installs, what it makes, what it refuses."""

import stat
import subprocess

import pytest

from tests.shared.launch.conftest import ROOT, Clone


def asked_for(clone: Clone) -> list[list[str]]:
    """The lists of each call to pip."""
    return [
        [word.removeprefix(f"{clone.root}/") for word in call.split() if word.endswith(".txt")]
        for call in clone.installed
    ]


def test_help_names_every_command_and_installs_nothing(clone: Clone) -> None:
    helped = clone.start("--help")

    assert helped.returncode == 0
    assert all(
        f"\n  {command} " in helped.stdout
        for command in ("all", "web", "worker", "workers", "test", "check", "doctor", "chaos")
    )
    assert clone.installed == []


@pytest.mark.parametrize("arguments", [["foo"], ["web", "now"], ["-k"]])
def test_what_it_does_not_know_is_one_line_and_exit_2(clone: Clone, arguments: list[str]) -> None:
    refused = clone.start(*arguments)

    assert refused.returncode == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith("start: ")
    assert refused.stderr.count("\n") == 1
    assert "--help" in refused.stderr


def test_without_python_it_says_what_to_do(clone: Clone) -> None:
    refused = clone.start(PYTHON="/nonexistent")

    assert refused.returncode == 1
    assert refused.stderr.startswith("start: PYTHON=/nonexistent is no Python 3.11 or newer: install one")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "lists"),
    [
        ("web", ["backend/requirements.txt"]),
        ("worker", ["worker/requirements.txt"]),
        ("all", ["backend/requirements.txt", "worker/requirements.txt"]),
        ("doctor", ["shared/requirements.txt"]),
    ],
)
def test_a_command_installs_its_lists_only(clone: Clone, command: str, lists: list[str]) -> None:
    clone.start(command)

    assert asked_for(clone) == [lists]


def test_what_a_start_has_installed_is_enough_for_the_doctor(clone: Clone) -> None:
    clone.start("web")
    clone.start("doctor", "--repair")

    assert asked_for(clone) == [["backend/requirements.txt"]]


def test_a_second_start_installs_nothing(clone: Clone) -> None:
    clone.start()
    clone.start()

    assert len(clone.installed) == 1


def test_web_and_worker_in_turn_install_each_list_once(clone: Clone) -> None:
    for command in ("web", "worker", "web", "worker"):
        clone.start(command)

    assert asked_for(clone) == [["backend/requirements.txt"], ["worker/requirements.txt"]]


def test_a_changed_list_is_installed_again(clone: Clone) -> None:
    clone.start()
    (clone.root / "worker" / "requirements.txt").write_text("d\n")
    clone.start()

    assert asked_for(clone)[1:] == [["worker/requirements.txt"]]


def test_a_failed_installation_is_finished_by_the_next_start(clone: Clone) -> None:
    failed = clone.start(PIP_STATUS="1", PIP_SAYS="no network\n")
    retried = clone.start()

    assert failed.returncode == 1
    assert "no network" in failed.stderr
    assert retried.returncode == 0
    assert len(clone.installed) == 2


def test_the_env_file_gets_a_secret_and_is_its_owners_alone(clone: Clone) -> None:
    clone.start()

    path = clone.root / ".env"
    secrets = [line for line in path.read_text().splitlines() if line.startswith("SECRET_KEY=")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [len(line) >= len("SECRET_KEY=") + 64 for line in secrets] == [True]


def test_every_clone_gets_a_secret_of_its_own(clone: Clone) -> None:
    clone.start()
    first = (clone.root / ".env").read_text()
    (clone.root / ".env").unlink()
    clone.start()

    assert (clone.root / ".env").read_text() != first


def test_an_env_file_that_is_there_is_never_touched(clone: Clone) -> None:
    (clone.root / ".env").write_text("PORT=9000\n")

    clone.start()

    assert (clone.root / ".env").read_text() == "PORT=9000\n"


def test_a_secret_in_the_environment_needs_no_env_file(clone: Clone) -> None:
    clone.start(SECRET_KEY="x" * 40)

    assert not (clone.root / ".env").exists()


def test_its_pid_becomes_the_supervisors(clone: Clone) -> None:
    with subprocess.Popen(
        [clone.root / "start.sh", "worker"], env=clone.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        said = process.communicate(timeout=30)[0]

    assert f"pid {process.pid} arguments ['worker']" in said


def test_a_relative_data_folder_is_relative_to_the_caller(clone: Clone) -> None:
    started = clone.start(DATA_DIR="pictures")

    assert f"data {clone.root.parent / 'pictures'}\n" in started.stdout


def test_it_is_clean_for_the_bash_that_macos_ships() -> None:
    newer = ["mapfile", "readarray", "declare -A", "${1,,}", "&>>", "|&"]

    assert not [word for word in newer if word in (ROOT / "start.sh").read_text()]
