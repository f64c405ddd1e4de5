"""Lists for officials: events and reads can only be looked at, dead jobs can be started again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from audit import actions
from audit.models import Event, Heartbeat, ImportPolicy, ImportRun, Job, JobState, PersonalDataRead
from common import access


class LookOnlyAdmin(admin.ModelAdmin):
    """Show rows to whoever holds `permission`; nobody adds, changes or deletes one here."""

    permission = "view_audit"

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to whoever may see one of its lists."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask for this list's right."""
        return access.holds(request.user, self.permission)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse."""
        return False


@admin.register(Event)
class EventAdmin(LookOnlyAdmin):
    """What happened, newest first."""

    list_display = ("at", "actor_label", "on_behalf_of", "verb", "target_type", "target_id", "before", "after")
    list_filter = ("at",)
    search_fields = ("=target_id", "=verb")
    search_help_text = "输入完整的对象编号或者动作名称"


@admin.register(PersonalDataRead)
class PersonalDataReadAdmin(LookOnlyAdmin):
    """Who looked at whose personal data, newest first."""

    list_display = ("at", "actor_label", "subject_type", "subject_id", "field", "purpose")
    list_filter = ("at",)
    search_fields = ("=subject_id",)
    search_help_text = "输入完整的对象编号"


@admin.register(Job)
class JobAdmin(LookOnlyAdmin):
    """What must follow, newest first; the dead ones can be started again."""

    permission = "retry_jobs"
    list_display = ("id", "kind", "key", "state", "attempts", "next_at", "created_at", "done_at", "last_error")
    list_filter = ("state", "kind")
    search_fields = ("=key",)
    search_help_text = "输入完整的唯一键"
    actions = ("retry",)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Ask for the right to start jobs again."""
        return access.holds(request.user, "retry_jobs")

    @admin.action(description="重新执行所选的任务（只对已停止的有效）", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Give each selected dead job new attempts and say how many there were."""
        dead = list(queryset.filter(state=JobState.DEAD))
        count = sum(actions.retry(job, actor=request.user) for job in dead)
        if count:
            self.message_user(request, f"已重新执行 {count} 项任务，稍后刷新可看结果。", messages.SUCCESS)
        else:
            self.message_user(request, "所选任务里没有已停止的，不需要重新执行。", messages.INFO)


@admin.register(Heartbeat)
class HeartbeatAdmin(LookOnlyAdmin):
    """The last sign of life of each kind of process."""

    permission = "retry_jobs"
    list_display = ("name", "at", "detail")


@admin.register(ImportRun)
class ImportRunAdmin(LookOnlyAdmin):
    """Who imported how much into which registry, newest first; what the files held is their owners' affair."""

    list_display = ("created_at", "owner_label", "title", "state", "rows", "written", "done_at", "undone_at")
    list_filter = ("state", "title", "created_at")
    fields = (*list_display, "new", "changed", "same", "wrong", "kept", "emptied_at")


@admin.register(ImportPolicy)
class ImportPolicyAdmin(LookOnlyAdmin):
    """How large imports may be, and how long their rows are kept: one row."""

    permission = "manage_settings"
    list_display = ("__str__", "rows_at_most", "rows_at_once", "keep_days")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let the settings' keeper change it."""
        return self.has_view_permission(request)
