"""What can go wrong with tasks, their files and favourites."""

from shared.errors.base import AppError, Conflict, Forbidden, TooMany, Unauthenticated


class LinkInvalid(Unauthenticated):
    """The signature of a link is not ours."""

    code = "link_invalid"


class LinkExpired(Unauthenticated):
    """The link was good once."""

    code = "link_expired"


class GenerationFailed(AppError):
    """The task that was waited for made nothing; `reason` is the stable code of why."""

    code = "generation_failed"

    def __init__(self, reason: str = "generation_failed") -> None:
        super().__init__(reason)
        self.reason = reason


class IdempotencyMismatch(Conflict):
    """The idempotency key belongs to another request."""

    code = "idempotency_mismatch"


class QueueFull(TooMany):
    """As many of the user's tasks wait as may."""

    code = "queue_full"

    def __init__(self, limit: int = 0) -> None:
        super().__init__(retry_after=30)
        self.facts = {"limit": limit}


class NotRetryable(Conflict):
    """Only a failed or cancelled task can be tried again."""

    code = "not_retryable"


class StillRunning(Conflict):
    """The task has to end, or be cancelled, before this."""

    code = "still_running"


class NameTaken(Conflict):
    """The folder has a node of this name."""

    code = "name_taken"


class AlreadyFavorite(Conflict):
    """The file is in the favourites already."""

    code = "already_favorite"


class NothingToRestore(Conflict):
    """Of this part of the trash nothing can come back: it is there already, or what it refers to is not."""

    code = "nothing_to_restore"


class QuotaExceeded(Forbidden):
    """The user has as many bytes as they may, or would have more."""

    code = "quota_exceeded"

    def __init__(self, used: int = 0, allowed: int = 0) -> None:
        super().__init__()
        self.facts = {"used": used, "allowed": allowed}


class FavoritesFull(Conflict):
    """The favourites hold as many nodes as they may."""

    code = "favorites_full"
