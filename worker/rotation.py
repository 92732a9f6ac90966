"""Users' provider keys that an earlier secret encrypted, encrypted anew by the newest."""

import structlog
from sqlalchemy import Engine, select, update

from shared.db import write
from shared.models import ProviderKey
from shared.vault import Undecryptable, Vault

log = structlog.get_logger(__name__)

BATCH = 100


class Rotation:
    """Goes through the keys batch by batch; what none of the secrets opens is passed over until the next turn."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._passed = 0  # the last id that was looked at

    def advance(self) -> int:
        """One batch. Returns how many keys were encrypted anew."""
        old = (ProviderKey.vault_version != self._vault.version, ProviderKey.id > self._passed)
        batch = select(ProviderKey.id, ProviderKey.encrypted_key).where(*old).order_by(ProviderKey.id).limit(BATCH)
        with self._engine.connect() as connection:
            found = connection.execute(batch).all()
        self._passed = found[-1].id if len(found) == BATCH else 0
        rotated = sum(self._rotate(id, encrypted) for id, encrypted in found)
        if rotated < len(found):
            log.warning("provider_keys_unreadable", keys=len(found) - rotated)
        return rotated

    def _rotate(self, id: int, encrypted: str) -> bool:
        """Unless its user has replaced it since: then it is new already."""
        try:
            fresh = {"encrypted_key": self._vault.rotate(encrypted), "vault_version": self._vault.version}
        except Undecryptable:
            return False
        same = (ProviderKey.id == id, ProviderKey.encrypted_key == encrypted)
        with write(self._engine) as connection:
            connection.execute(update(ProviderKey).where(*same).values(fresh))
        return True
