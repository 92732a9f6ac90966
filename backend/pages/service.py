"""Models, what is kept, and the audit log."""

from typing import Any

from backend.api.admin.schemas.service import EntriesQuery
from backend.pages.drawing import shows
from backend.services.administration.audit import Action
from backend.wiring import services


@shows("/models", "models")
def models() -> dict[str, Any]:
    """The catalogue and what was measured."""
    return {"models": services().administration.models.all()}


@shows("/storage", "storage")
def storage() -> dict[str, Any]:
    """Files and tables."""
    return {"kept": services().administration.usage.kept()}


@shows("/audit", "audit", EntriesQuery)
def audit(query: EntriesQuery) -> dict[str, Any]:
    """What administrators have done."""
    return {"found": services().administration.audit.page(query.asked()), "actions": list(Action)}
