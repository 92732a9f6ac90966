"""What the log's lines about tasks have in common: the tasks' ids, and those of the requests that queued them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars

from shared.claims import Claim


def about(claimed: Sequence[Claim]) -> AbstractContextManager[None]:
    """Every line of this thread meanwhile is about these tasks; where several share a call it has lists of ids."""
    ids = {
        "task_id": [claim.public_id for claim in claimed],
        "request_id": [claim.request_id for claim in claimed if claim.request_id],
    }
    told = {name: found[0] if len(found) == 1 else found for name, found in ids.items() if found}
    return bound_contextvars(**told)
