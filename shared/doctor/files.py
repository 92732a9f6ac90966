"""Rows without files, and files without a row."""

import hashlib

from shared.doctor.finding import Finding, listed
from shared.errors import NotFound
from shared.kept import Kept, KeptFiles
from shared.storage import Storage

PIECE = 1 << 20


def missing(storage: Storage, kept: KeptFiles, checksums: bool) -> Finding:
    """Whether each file that a row tells of is there in its whole size, and has its checksum where asked to look."""
    looked = 0
    bad: list[str] = []
    for file in kept.all():
        looked += 1
        if trouble := _trouble(storage, file, checksums):
            bad.append(f"{file.key} of {file.owner} ({trouble})")
    if bad:
        advice = "restore them from a backup; until then their urls answer 404"
        return Finding("rows", f"{len(bad)} of {looked} files are not as their rows say: {listed(bad)}", advice)
    return Finding("rows", f"all of their {looked} files are there{' and unchanged' if checksums else ''}")


def left_over(storage: Storage, kept: KeptFiles, hours: float, repair: bool) -> Finding:
    """Files that no row knows; those that are old enough are removed, if that is asked for."""
    unknown = {file.key for folder in storage.folders() for file in kept.unknown(storage.files(folder))}
    removable = {file.key for folder in storage.folders() for file in kept.removable(storage.files(folder))}
    if repair:
        for key in removable:
            storage.delete(key)
    others = f"{len(unknown - removable)} younger than {hours:g} hours, or older than the first account, are left alone"
    if not removable:
        return Finding("files", f"none is left over ({others})" if unknown - removable else "a row knows each of them")
    said = f"{len(removable)} are known to no row: {listed(sorted(removable))} ({others})"
    if repair:
        return Finding("files", f"removed: {said}")
    return Finding("files", said, "./start.sh doctor --repair removes them; so do the workers, within a day")


def _trouble(storage: Storage, file: Kept, checksums: bool) -> str:
    try:
        size = storage.size(file.key)
        if file.size not in {None, size}:
            return f"{size} bytes instead of {file.size}"
        if checksums and file.sha256 not in {None, _sha256(storage, file.key)}:
            return "another checksum"
    except NotFound:
        return "missing"
    except OSError as error:
        return f"unreadable: {error.strerror or error}"
    return ""


def _sha256(storage: Storage, key: str) -> str:
    digest = hashlib.sha256()
    with storage.open(key) as stream:
        while piece := stream.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
