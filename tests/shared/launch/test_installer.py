"""Which torch is installed, and what is said when an installation fails."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.launch import installer
from shared.launch.console import Refused
from shared.launch.foreground import Finished
from shared.launch.installer import Installer
from shared.launch.virtual_environment import VirtualEnvironment

LIST = "worker/requirements.txt"


class FakePip:
    """Notes what is to be installed; fails where the arguments contain one of the given words."""

    def __init__(self, *failing: str, errors: str = "") -> None:
        self.calls: list[str] = []
        self._failing = failing
        self._errors = errors

    def __call__(self, arguments: Sequence[str], *, show_errors: bool = True) -> Finished:
        call = " ".join(arguments)
        self.calls.append(call.partition(" -m ")[2])
        fails = any(word in call for word in self._failing)
        return Finished(1, self._errors) if fails else Finished(0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "worker").mkdir()
    (tmp_path / LIST).write_text("numpy==1\ntorch==2.13.0\n")
    return tmp_path


def install(root: Path, pip: FakePip, cpu: bool = True) -> list[str]:
    """What pip was asked to install, without what every call has."""
    venv = VirtualEnvironment(root / "venv")
    Installer(root, venv, pip, wants_cpu_torch=cpu).install((LIST,))
    common = "pip install --no-input --disable-pip-version-check "
    return [call.removeprefix(common).replace(str(root), ".") for call in pip.calls if call.startswith(common)]


def test_without_a_card_the_cpu_build_comes_first(root: Path) -> None:
    torch, rest = install(root, FakePip())

    assert torch.startswith("torch==2.13.0+cpu ")
    assert "--extra-index-url" not in torch
    assert rest == f"-r ./{LIST}"


def test_the_cpu_build_is_then_looked_for_at_pytorch(root: Path) -> None:
    first, second, _rest = install(root, FakePip("--retries 1", errors="no such version"))[:3]

    assert "--extra-index-url" not in first
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in second


def test_the_cuda_build_is_the_last_resort_and_said(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(installer, "GIGABYTES_CUDA", 0.1)

    assert install(root, FakePip("+cpu"))[-1] == f"-r ./{LIST}"
    assert "installing the CUDA build" in capsys.readouterr().out


def test_with_a_card_or_on_macos_torch_is_not_chosen(root: Path) -> None:
    assert install(root, FakePip(), cpu=False) == [f"-r ./{LIST}"]


def test_a_torch_that_is_there_is_kept(root: Path) -> None:
    record = root / "venv/lib/python3.12/site-packages/torch-2.13.0+rocm7.dist-info/RECORD"
    record.parent.mkdir(parents=True)
    record.touch()

    assert install(root, FakePip()) == [f"-r ./{LIST}"]


def test_too_little_disk_is_said_before_anything_is_fetched(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer, "GIGABYTES", 1e6)
    pip = FakePip()

    with pytest.raises(Refused, match=r"needs 1000002\.4 GB of disk and .* VENV_DIR"):
        install(root, pip)

    assert pip.calls == []


@pytest.mark.parametrize("failing", ["+cpu", "-r "])
def test_a_disk_that_gets_full_is_named_as_the_cause(root: Path, failing: str) -> None:
    with pytest.raises(Refused, match="the disk is full"):
        install(root, FakePip(failing, errors="OSError: [Errno 28] No space left on device"))


def test_a_failed_installation_says_that_it_can_be_repeated(root: Path) -> None:
    with pytest.raises(Refused, match="goes on where it stopped"):
        install(root, FakePip("-r ", errors="no network"))


def test_without_the_venv_module_it_names_the_package_to_install(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ensurepip" else name)

    with pytest.raises(Refused, match=r"apt install python3\.\d+-venv"):
        install(root, FakePip())
