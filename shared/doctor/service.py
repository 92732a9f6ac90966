"""Database, broker, disk, models, workers, leases: the parts that a task needs."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from redis.exceptions import RedisError
from sqlalchemy import Engine, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from shared import migrations
from shared.catalog import Catalog, InvalidCatalog
from shared.clock import database_now
from shared.doctor.finding import Finding, listed
from shared.lifecycle import Status
from shared.models import Task
from shared.progress import redis_client
from shared.settings import Settings
from shared.storage import Storage
from shared.workers import ABLE, Workers

LEAST_FREE = 1_000_000_000
START = "start the service: ./start.sh"


def database(settings: Settings, engine: Engine) -> Finding:
    """Whether it answers and has the tables of this version; one that is not there yet is not made."""
    url = make_url(settings.database)
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return Finding("database", f"{name} does not exist yet", START)
    try:
        current = migrations.is_current(engine)
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        return Finding("database", f"{name} does not answer ({reason})", "start it, or correct DATABASE_URL")
    if not current:
        return Finding("database", f"{name} has the tables of another version", "restart the service, which migrates")
    return Finding("database", f"{name} answers and has the tables of this version")


def broker(settings: Settings) -> Finding:
    """Whether it answers."""
    try:
        redis_client(settings.redis_url).ping()
    except (RedisError, OSError) as error:
        advice = START if settings.embeds_broker else "start it, or correct BROKER_URL"
        return Finding("broker", f"does not answer ({type(error).__name__}); tasks wait meanwhile", advice)
    return Finding("broker", "answers")


def disk(settings: Settings, storage: Storage) -> Finding:
    """Whether files can be written, and into a folder how many more."""
    if settings.storage_url:
        return _bucket(settings, storage)
    try:
        storage.probe()
        free = shutil.disk_usage(settings.data_dir).free
    except OSError as error:
        advice = f"let the user {os.geteuid()} write there, or set DATA_DIR to another folder"
        return Finding("disk", f"{settings.data_dir} cannot be written ({error.strerror})", advice)
    said = f"{settings.data_dir} can be written, {free / 1e9:.1f} GB are free"
    if free < LEAST_FREE:
        return Finding("disk", said, "free some space: tasks and uploads fail when the disk is full")
    return Finding("disk", said)


def models(settings: Settings) -> Finding:
    """Whether the models file makes sense and its folders are there; nothing is loaded or fetched."""
    try:
        catalog = Catalog.read(settings.models_file)
    except InvalidCatalog as error:
        return Finding("models", str(error), "correct the file, or MODELS_FILE")
    folders = {model.id: model.source for model in catalog.models.values() if _is_folder(model.source)}
    if broken := _without("model_index.json", folders):
        said = f"no model_index.json in the folder of {listed(broken)}"
        return Finding("models", said, "put the model there, or correct its `source` in the models file")
    motions = {id: path for id, model in catalog.models.items() if (path := model.motion_adapter) and _is_folder(path)}
    if broken := _without("config.json", motions):
        said = f"no config.json in the folder of motion modules of {listed(broken)}"
        return Finding("models", said, "put the adapter there, or correct `motion_adapter` in the models file")
    if catalog.lacking:
        wrong = [f"{id} ({', '.join(sorted(kinds))})" for id, kinds in catalog.lacking.items()]
        said = f"kinds that the model's class does not make are not offered: {listed(wrong)}"
        return Finding("models", said, "correct its `kinds` in the models file")
    fetched = len(catalog.models) - len(folders)
    return Finding("models", f"{len(folders)} in folders that are there, {fetched} from the hub")


def workers(settings: Settings, engine: Engine) -> Finding:
    """How many live, by what they are at."""
    with Session(engine) as session:
        counted = Workers(session, settings.lease_seconds).count()
    said = ", ".join(f"{count} {state}" for state, count in counted.items() if count) or "there is none"
    if not any(counted[state] for state in ABLE):
        return Finding(
            "workers", f"none can take a task ({said})", "start one: ./start.sh worker; its log says why it ends"
        )
    return Finding("workers", said)


def leases(settings: Settings, engine: Engine) -> Finding:
    """Tasks whose worker has vanished; any worker puts them back at its next beat."""
    with engine.connect() as connection:
        expired = Task.lease_until < database_now(-2 * settings.heartbeat_seconds)
        lost = connection.scalar(select(func.count(Task.id)).where(Task.status == Status.PROCESSING, expired)) or 0
    if lost:
        return Finding("leases", f"{lost} tasks have lost their worker", "start a worker: it puts them back at once")
    return Finding("leases", "no task has lost its worker")


def _bucket(settings: Settings, storage: Storage) -> Finding:
    try:
        storage.probe()
    except OSError as error:
        advice = "correct STORAGE_URL and the settings that begin with S3, or what the bucket lets their key do"
        return Finding("bucket", f"{settings.storage_url} cannot be written ({error})", advice)
    return Finding("bucket", f"{settings.storage_url} can be written")


def _without(file: str, folders: Mapping[str, str]) -> list[str]:
    """The models, by their ids, in whose folder it is not."""
    return [f"{id} ({folder})" for id, folder in folders.items() if not (Path(folder) / file).is_file()]


def _is_folder(source: str) -> bool:
    """As the catalogue has it: what is no folder beside the models file is a hub id, but no such id looks so."""
    return source.startswith(("/", "./", "../", "~"))
