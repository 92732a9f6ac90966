"""The rows, one file each. Plain SQLAlchemy: they know no flask and no rule."""

from shared.models.base import Base
from shared.models.revoked_token import RevokedToken
from shared.models.task import Task
from shared.models.user import User
from shared.models.worker import Worker

__all__ = ["Base", "RevokedToken", "Task", "User", "Worker"]
