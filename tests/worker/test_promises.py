"""What a worker says at its start of models on the hub that cannot keep what their entries promise."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import enumerate as all_threads

import pytest
from huggingface_hub import constants
from structlog.testing import capture_logs

from shared.catalog import Catalog
from tests.fakes.hub import FakeHub, fake_hub
from tests.worker.families import entry
from worker.pipelines.promises import tell_contradictions

FILES = {
    "owner/sigma/model_index.json": json.dumps({"_class_name": "PixArtSigmaPipeline"}),
    "owner/honest/model_index.json": json.dumps({"_class_name": "StableDiffusionPipeline"}),
    "owner/flow/model_index.json": json.dumps({"_class_name": "FluxPipeline"}),
    "owner/flow/scheduler/scheduler_config.json": json.dumps({"_class_name": "FlowMatchEulerDiscreteScheduler"}),
    "owner/language/config.json": "{}",
}
Told = list[tuple[str, str, str]]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub(FILES) as hub:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        yield hub


def told(folder: Path, *entries: str) -> Told:
    """The event, the model and the problem of each thing that is said, when all has been said."""
    (folder / "models.toml").write_text("".join(entries))
    with capture_logs() as logs:
        tell_contradictions(Catalog.read(folder / "models.toml"))
        for thread in all_threads():
            if thread.name == "hub":
                thread.join()
    return [(log["event"], log["model"], log["problem"]) for log in logs]


def test_a_model_that_was_never_downloaded_is_asked_for_what_it_is(hub: FakeHub, tmp_path: Path) -> None:
    entries = [entry("sd15", source="owner/sigma"), entry("flux", source="owner/honest")]
    wrong = [("model_misdescribed", "sd15", "its class does not make i2i")]

    assert told(tmp_path, *entries) == wrong
    hub.asked.clear()
    assert told(tmp_path, *entries) == wrong  # at the next start its index is here
    assert hub.asked == []


def test_its_noise_schedule_is_looked_at_too(hub: FakeHub, tmp_path: Path) -> None:
    flow = entry("flux", source="owner/flow").replace('"Flow Euler"', '"Flow Euler", "DDIM"')

    assert told(tmp_path, flow) == [
        ("model_misdescribed", "flux", "FlowMatchEulerDiscreteScheduler does not go with DDIM"),
    ]


@pytest.mark.parametrize("source", ["owner/nowhere", "owner/language", "/models/not/there"])
def test_what_is_no_model_is_told(hub: FakeHub, tmp_path: Path, source: str) -> None:
    [(event, model, problem)] = told(tmp_path, entry("sd15", source=source))

    assert (event, model) == ("model_misdescribed", "sd15")
    assert problem == f"{source} is no folder here, and no model of diffusers on the hub that may be read"


def test_without_the_hub_it_is_said_that_the_entry_is_believed(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    assert told(tmp_path, entry("sd15", source="owner/sigma")) == [
        ("model_unknown", "sd15", "nothing of it is here, and the hub cannot be asked; its entry is believed"),
    ]
    assert hub.asked == []
