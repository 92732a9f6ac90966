"""A completed task with its files, as if a worker had been there."""

from dataclasses import dataclass

from backend.services.links import Links
from shared.claims import Claims
from shared.settings import Settings
from shared.storage import LocalStorage, Storage
from tests.backend.conftest import Person
from tests.conftest import SECRET
from tests.orders import result_entry

DATA = b"\x89PNG what a picture"
THUMBNAIL = b"RIFF what a small picture"
LINKS = Links(SECRET, 60)


@dataclass(frozen=True)
class Link:
    """A file by its name: the url for its owner, and the one for everybody who has it."""

    name: str

    @property
    def url(self) -> str:
        return f"/generated_outputs/{self.name}"

    @property
    def signed(self) -> str:
        return f"{self.url}?{LINKS.sign(self.name)}"


@dataclass(frozen=True)
class Made:
    """The task's id and its files."""

    task: str
    picture: Link
    thumbnail: Link


def make(person: Person, worker: Claims, settings: Settings) -> Made:
    """One picture of DATA, with a thumbnail whose key has letters that urls write otherwise."""
    return complete(person, worker, LocalStorage(settings.data_dir / "files"))


def complete(person: Person, worker: Claims, storage: Storage) -> Made:
    """The same with its files in this storage."""
    task = person.submit().get_json()["data"]["task_id"]
    [claim] = worker.claim("gpu", lambda model: 1)
    storage.save("results/aa/x.png", DATA)
    storage.save("results/aa/x 图.webp", THUMBNAIL)
    picture, small = Link(f"{task}.png"), Link(f"{task}_thumb.webp")
    thumbnail = result_entry(small.name, key="results/aa/x 图.webp", data=THUMBNAIL, media_type="image/webp")
    worker.complete(claim, [result_entry(picture.name, data=DATA, thumbnail=thumbnail)])
    return Made(task, picture, small)
