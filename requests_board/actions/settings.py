"""What a district sets for the board: categories, reasons, weights and limits, and answers to opinions about us."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from audit.actions import keep, remove
from clockwork.selectors import db_now
from common.versions import require_unchanged
from requests_board.models import DispatchPolicy, SystemFeedback


def keep_setting(row: models.Model, *, actor: Any = None, seen: str | None = None) -> models.Model:
    """Add or change a category, a reason or a limit; a page that is no longer true is refused."""
    return keep(row, verb=f"{row._meta.model_name}.kept", actor=actor, seen=seen)


def add_policy(row: DispatchPolicy, *, actor: Any = None) -> DispatchPolicy:
    """Put a new version of the weights in force; old ones stay, decisions point at them."""
    keep(row, verb="dispatch_policy.added", actor=actor)
    return row


@transaction.atomic
def answer_feedback(row: SystemFeedback, *, actor: Any = None, seen: str | None = None) -> SystemFeedback:
    """Answer an opinion about this system."""
    require_unchanged(SystemFeedback.objects.select_for_update().get(pk=row.pk), seen)
    row.answered_at = db_now() if row.answer else None
    keep(row, verb="feedback.answered", actor=actor)
    return row


def remove_feedback(row: SystemFeedback, *, actor: Any = None) -> None:
    """Delete an opinion, such as advertising or somebody's personal data."""
    remove(row, verb="feedback.removed", actor=actor)
