"""What counts as installed."""

from pathlib import Path

import pytest

from shared.launch.requirements import Stamp, closure, pinned


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in {"shared": "redis==1\n", "web": "-r ../shared/list.txt\n", "gpu": "torch==2.13.0\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "list.txt").write_text(content)
    (tmp_path / "all.txt").write_text("# all\n-r web/list.txt\n--requirement gpu/list.txt\n-r web/list.txt\n")
    return tmp_path


@pytest.fixture
def stamp(root: Path) -> Stamp:
    return Stamp(root, root, "3.12")


def test_a_list_has_all_that_it_includes_once(root: Path) -> None:
    names = [str(path.relative_to(root)) for path in closure(root / "all.txt")]

    assert names == ["all.txt", "web/list.txt", "gpu/list.txt", "shared/list.txt"]


def test_a_pin_is_found_in_an_included_list(root: Path) -> None:
    assert pinned(root / "all.txt", "torch") == "2.13.0"
    assert pinned(root / "web/list.txt", "torch") is None


def test_nothing_is_installed_at_first(stamp: Stamp) -> None:
    assert stamp.missing(["web/list.txt"]) == ("web/list.txt",)


def test_a_recorded_list_counts_and_so_do_those_it_includes(stamp: Stamp) -> None:
    stamp.record(["all.txt"])

    assert stamp.missing(["all.txt", "web/list.txt", "gpu/list.txt"]) == ()


def test_a_change_in_an_included_list_counts(stamp: Stamp, root: Path) -> None:
    stamp.record(["web/list.txt", "gpu/list.txt"])
    (root / "shared/list.txt").write_text("redis==2\n")

    assert stamp.missing(["web/list.txt", "gpu/list.txt"]) == ("web/list.txt",)


def test_another_python_counts_as_nothing_installed(stamp: Stamp, root: Path) -> None:
    stamp.record(["web/list.txt"])

    assert Stamp(root, root, "3.13").missing(["web/list.txt"])


def test_an_installation_that_was_begun_counts_as_none(stamp: Stamp) -> None:
    stamp.record(["web/list.txt"])
    stamp.begin()

    assert stamp.missing(["web/list.txt"])


def test_what_was_there_before_counts_again_when_the_next_is_done(stamp: Stamp) -> None:
    stamp.record(["web/list.txt"])
    stamp.begin()
    stamp.record(["gpu/list.txt"])

    assert stamp.missing(["web/list.txt", "gpu/list.txt"]) == ()


def test_an_interrupted_installation_vouches_for_nothing_later(stamp: Stamp) -> None:
    stamp.record(["web/list.txt"])
    stamp.begin()
    stamp.begin()
    stamp.record(["gpu/list.txt"])

    assert stamp.missing(["web/list.txt", "gpu/list.txt"]) == ("web/list.txt",)
