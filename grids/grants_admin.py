"""Groups, grants and exceptions: the pages of whoever keeps posts. Each step is an action with a reason."""

from __future__ import annotations

from typing import Any

import django.contrib.auth.admin  # noqa: F401  # registers the page of groups that is replaced below
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join

import grids.admin  # noqa: F401  # registers what is replaced below, as does the next one
from accounts.selectors import person
from common import access
from common.admin import ScopedAdmin
from common.errors import DomainError
from grids import grants_selectors, roles
from grids.actions import grants, groups
from grids.grants_forms import ExceptionForm, GroupForm, GroupGrantForm, PersonGrantForm, SightForm
from grids.models import AreaGroupPermission, AreaUserPermission, RowGrant

# The stock page of groups would write without an event, and would give rights of another kind.
admin.site.unregister(Group)
admin.site.unregister(AreaGroupPermission)


class GivenAdmin(ScopedAdmin):
    """Rows that are given and ended, never edited; both in the name of who does it and with a reason."""

    keeps = ("manage_posts",)
    change_list_template = "admin/grids/given_list.html"
    actions = ("end",)
    done = "收回了"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer the list with its action; the page of one row is for reading."""
        return obj is None and super().has_change_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form who asks."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.actor = person(request)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Write through the action that records it."""
        # The form's row stands for the one that was written.
        obj.__dict__.update(form.give().__dict__)

    def finish(self, row: Any, request: HttpRequest, reason: str) -> None:
        """End one row."""
        grants.end_grant(row, actor=person(request), reason=reason)

    @admin.action(description="提前结束所选的", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Ask for the reason, then end the chosen rows and say which were refused."""
        reason = request.POST.get("reason", "").strip()
        rows = list(queryset)
        if not reason:
            asked = "reason" in request.POST
            context = {
                **self.admin_site.each_context(request), "title": "提前结束", "rows": rows, "opts": self.opts,
                "action": request.POST.get("action", ""), "error": "请写明原因。" if asked else "",
            }  # fmt: skip
            return TemplateResponse(request, "admin/grids/end.html", context, status=422 if asked else 200)
        count = 0
        for row in rows:
            try:
                self.finish(row, request, reason)
                count += 1
            except DomainError as error:
                self.message_user(request, f"{row}：{error.message}", messages.WARNING)
        if count:
            self.message_user(request, f"{self.done} {count} 条。")
        return None

    @admin.display(description="有效到", ordering="expires_at", empty_value="一直有效")
    def last_day(self, row: Any) -> Any:
        """Show the last whole day."""
        return grants_selectors.last_day(row.expires_at)


class RightFilter(admin.SimpleListFilter):
    """What was granted: the rights of the product, not all of Django's."""

    title = "可以做什么"
    parameter_name = "right"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer what can be granted."""
        return list(roles.GRANTED.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen right."""
        return queryset.filter(permission__codename=self.value()) if self.value() else queryset


class AtPlaceAdmin(GivenAdmin):
    """Rights at places."""

    place = "content_object__scope_path"
    list_filter = (RightFilter,)
    holder = ""

    @admin.display(description="可以做什么", ordering="permission__name")
    def right(self, row: Any) -> str:
        """Show the right in words."""
        return str(row.permission.name)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Begin with who holds it."""
        return (self.holder, "right", "content_object", "last_day", "granted_by", "reason")

    def get_list_select_related(self, request: HttpRequest) -> Any:
        """Fetch what the rows point at with them."""
        return (self.holder, "permission", "content_object")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what is given; show it with who gave it and when."""
        shown = [self.holder, "right", "content_object", "last_day", "granted_by", "granted_at", "reason"]
        return shown if obj else [self.holder, "right", "place", "until", "reason"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let the page of a row only show."""
        return self.get_fields(request, obj) if obj else ()


@admin.register(AreaGroupPermission)
class AreaGroupPermissionAdmin(AtPlaceAdmin):
    """Rights of groups at places."""

    form = GroupGrantForm
    holder = "group"
    search_fields = ("group__name", "content_object__name", "reason")


@admin.register(AreaUserPermission)
class AreaUserPermissionAdmin(AtPlaceAdmin):
    """Rights of single persons at places."""

    form = PersonGrantForm
    holder = "user"
    search_fields = ("user__username", "user__display_name", "content_object__name", "reason")


@admin.register(RowGrant)
class RowGrantAdmin(GivenAdmin):
    """Exceptions on single rows."""

    form = ExceptionForm
    list_display = ("holder", "right", "content_type", "label", "last_day", "granted_by", "reason")
    list_select_related = ("user", "group", "content_type")
    list_filter = ("right", "content_type")
    search_fields = ("label", "user__username", "user__display_name", "group__name", "reason")

    @admin.display(description="给谁")
    def holder(self, row: RowGrant) -> str:
        """Show the person or the group."""
        return str(row.user or f"组：{row.group}")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what is given; show it with who gave it and when."""
        shown = ["holder", "right", "content_type", "label", "last_day", "granted_by", "granted_at", "reason"]
        return shown if obj else list(self.form.field_order)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let the page of a row only show."""
        return self.get_fields(request, obj) if obj else ()

    def get_urls(self) -> list[URLPattern]:
        """Add the page that tells what one person sees."""
        sight = path("sight/", self.admin_site.admin_view(self.sight), name="grids_sight")
        return [sight, *super().get_urls()]

    def sight(self, request: HttpRequest) -> HttpResponse:
        """Tell what one person holds, and of a row why they see it or do not."""
        if not access.holds(request.user, "manage_posts"):
            raise PermissionDenied
        form = SightForm(request.GET or None, actor=person(request))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request), "title": "这个人能看到什么", "form": form, "opts": self.opts,
        }  # fmt: skip
        if form.is_valid():
            user, row = form.cleaned_data["person"], form.cleaned_data["row"]
            held = grants_selectors.holdings(user)
            context |= {"who": user, "held": held, "groups": user.groups.order_by("name")}
            if row is not None:
                answers = grants_selectors.why(user, row, held)
                place = grants_selectors.described(row.area)
                context |= {"row": row, "answers": answers, "sees": answers[0].yes, "place": place}
        return TemplateResponse(request, "admin/grids/sight.html", context)


@admin.register(Group)
class GroupAdmin(GivenAdmin):
    """Groups, who is in them and what they may do where."""

    form = GroupForm
    actions = ("end",)
    done = "解散了"
    list_display = ("name", "members")
    search_fields = ("name", "user__username", "user__display_name")
    readonly_fields = ("rights",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Offer the page of a group too: people come and go."""
        return ScopedAdmin.has_change_permission(self, request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the members."""
        return super().get_queryset(request).annotate(size=Count("user", distinct=True)).order_by("name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for members only of a group that exists."""
        return ["name", "join", "leave", "rights", "reason"] if obj else ["name", "reason"]

    def finish(self, row: Any, request: HttpRequest, reason: str) -> None:
        """Dissolve one group."""
        groups.dissolve_group(row, actor=person(request), reason=reason)

    @admin.display(description="人数", ordering="size")
    def members(self, group: Any) -> int:
        """Show how many are in it."""
        return int(group.size)

    @admin.display(description="这个组可以做什么")
    def rights(self, group: Group) -> Any:
        """Show everything that was granted to the group."""
        lines = []
        for row in grants_selectors.grants_of_group(group):
            day = grants_selectors.last_day(row.expires_at)
            what = row.get_right_display() if isinstance(row, RowGrant) else row.permission.name
            where = row.label if isinstance(row, RowGrant) else row.content_object.name
            lines.append((where, what, f"，到 {day:%Y-%m-%d}" if day else ""))
        return format_html_join("", "<div>{}：{}{}</div>", lines) or "还没有授权"
