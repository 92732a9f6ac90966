"""The rows, one file each. Plain SQLAlchemy: they know no flask and no rule."""

from shared.models.audit_entry import AuditEntry
from shared.models.base import Base
from shared.models.favorite import Favorite
from shared.models.provider_key import ProviderKey
from shared.models.rate import Rate
from shared.models.revoked_token import RevokedToken
from shared.models.share import QueueClock, Share
from shared.models.task import Task
from shared.models.trash import TrashedFavorite, TrashItem
from shared.models.upload import Upload
from shared.models.user import User
from shared.models.verification_code import VerificationCode
from shared.models.worker import Worker

__all__ = [
    "AuditEntry",
    "Base",
    "Favorite",
    "ProviderKey",
    "QueueClock",
    "Rate",
    "RevokedToken",
    "Share",
    "Task",
    "TrashItem",
    "TrashedFavorite",
    "Upload",
    "User",
    "VerificationCode",
    "Worker",
]
