"""Lists for officials: events and reads can only be looked at, dead jobs can be started again."""

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from audit import actions
from audit.imports import actions as import_actions
from audit.models import Event, Heartbeat, ImportPolicy, ImportRun, Job, JobState, PersonalDataRead
from audit.registry import facts_of, verbs_like, words_for
from common import access
from common.admin import Children, Happened, ScopedAdmin, SettingsAdmin, confirmed, historian
from common.errors import Conflict

# What a list shows of a long text, and how much of its past a row's page tells.
SHORT, MOST_TOLD = 60, 200
YES_NO = {True: "是", False: "否"}
# States of a node of a tree, which are no column.
TERMS = {"valid": "在用", "retired": "已停用"}


def _model(event: Any) -> Any:
    try:
        return apps.get_model(event.target_type or "")
    except (LookupError, ValueError):
        return None


def _said(event: Event, text: str) -> str:
    """Put the words for a stored code: a choice of one of the target's columns, or a right."""
    model = _model(event)
    words = TERMS | access.right_labels()
    for field in model._meta.concrete_fields if model else ():
        words |= {str(code): str(label) for code, label in field.flatchoices}
    return words.get(text, text) or "—"


@historian
def told(row: Any) -> list[Happened]:
    """Tell the newest events of a row in words."""
    found = Event.objects.filter(target_type=row._meta.label_lower, target_id=str(row.pk))[:MOST_TOLD]
    return [
        Happened(
            event.at, event.actor_label, words_for(event.verb), _said(event, event.before), _said(event, event.after),
            event.reason,
        )
        for event in found
    ]  # fmt: skip


class LookOnlyAdmin(ScopedAdmin):
    """Show rows that nobody adds or changes here."""

    looks = ("view_audit",)
    adds = changes = False


@admin.register(Event)
class EventAdmin(LookOnlyAdmin):
    """What happened within reach, newest first; what belongs to no place is for every auditor."""

    place = "scope_path"
    read = ("at", "actor_label", "happened", "target", "from_what", "to_what")
    list_display = (*read, "why", "on_behalf_of", "target_id")
    fields = (*read, "on_behalf_of", "target_id", "reason", "facts")
    search_fields = ("=target_id", "actor_label")
    search_help_text = "输入完整的对象编号、动作（例如“停用”），或者操作人"
    date_hierarchy = "at"

    def found_also(self, request: HttpRequest, text: str) -> Q:
        """Find events by what their verb is called."""
        return Q(verb__in=verbs_like(text.strip())) if text.strip() else super().found_also(request, text)

    @admin.display(description="动作", ordering="verb")
    def happened(self, event: Event) -> str:
        """Say what happened."""
        return words_for(event.verb)

    @admin.display(description="对象", ordering="target_type")
    def target(self, event: Event) -> str:
        """Name the kind of the target; what is no model any more shows its code."""
        model = _model(event)
        return str(model._meta.verbose_name) if model else event.target_type

    @admin.display(description="之前")
    def from_what(self, event: Event) -> str:
        """Say what it was before."""
        return _said(event, event.before)

    @admin.display(description="之后")
    def to_what(self, event: Event) -> str:
        """Say what it is now."""
        return _said(event, event.after)

    @admin.display(description="附加数据")
    def facts(self, event: Event) -> str:
        """Tell the counts and answers that were kept beside the event."""
        told = [(name, YES_NO[value] if isinstance(value, bool) else value) for name, value in facts_of(event.data)]
        return "，".join(f"{name} {value}" for name, value in told) or "—"

    @admin.display(description="理由")
    def why(self, event: Event) -> str:
        """Begin the reason; all of it stands on the event's page."""
        return Truncator(event.reason).chars(SHORT) or "—"

    def rows(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what happened within reach, and what happened nowhere."""
        if not self._may(request, None, keep=False):
            return rows.none()
        return rows.filter(self.within(request.user, self.looks) | Q(scope_path=""))


@admin.register(PersonalDataRead)
class PersonalDataReadAdmin(LookOnlyAdmin):
    """Who looked at whose personal data, newest first."""

    list_display = ("at", "actor_label", "subject_type", "subject_id", "field", "purpose")
    list_filter = ("field",)
    search_fields = ("=subject_id", "actor_label")
    search_help_text = "输入完整的对象编号，或者查看人"
    date_hierarchy = "at"


@admin.register(Job)
class JobAdmin(LookOnlyAdmin):
    """What must follow, newest first; the dead ones can be started again."""

    looks = keeps = ("retry_jobs",)
    list_display = ("id", "kind", "key", "state", "attempts", "next_at", "created_at", "done_at", "last_error")
    list_filter = ("state", "kind")
    search_fields = ("=key",)
    search_help_text = "输入完整的唯一键"
    count_by = "state"
    actions = ("retry",)

    @confirmed(
        label="重新执行",
        ask="这些任务会重新执行，最多再试十次。只对已停止的有效。",
        done="已重新执行",
        reason=False,
        offered=lambda job: job.state == JobState.DEAD,
    )
    def retry(self, request: HttpRequest, job: Job, reason: str) -> None:
        """Give a dead job new attempts."""
        if not actions.retry(job, actor=request.user):
            raise Conflict("没有停止，不需要重新执行。")


@admin.register(Heartbeat)
class HeartbeatAdmin(LookOnlyAdmin):
    """The last sign of life of each kind of process."""

    looks = ("retry_jobs",)
    list_display = ("name", "at", "detail")
    search_fields = ("name",)


@admin.register(ImportRun)
class ImportRunAdmin(LookOnlyAdmin):
    """Who imported how much into which registry, newest first; what the files held is their owners' affair."""

    list_display = ("created_at", "owner_label", "title", "state", "rows", "written", "done_at", "undone_at")
    list_filter = ("state", "title", "created_at")
    fields = (*list_display, "new", "changed", "same", "wrong", "kept", "emptied_at")


@admin.register(ImportPolicy)
class ImportPolicyAdmin(SettingsAdmin):
    """How large imports may be, and how long their rows are kept: one row."""

    list_display = ("__str__", "rows_at_most", "rows_at_once", "keep_days")
    adds = False

    def store(self, request: HttpRequest, row: ImportPolicy, form: Any, children: Children, seen: str | None) -> None:
        """Store the limits and tell of the change."""
        import_actions.change_policy(row, actor=request.user, seen=seen)
