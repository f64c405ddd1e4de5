"""Groups, grants and exceptions: the pages of whoever keeps posts. Each step is an action with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as stock  # noqa: F401  # registers the list that gives way below
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join

from accounts.selectors import person
from common import access
from common.admin import Children, ScopedAdmin, confirmed
from grids import grants_selectors, roles
from grids.actions import grants, groups
from grids.admin.trees import adopt
from grids.grants_forms import ExceptionForm, GroupForm, GroupGrantForm, PersonGrantForm, SightForm
from grids.models import AreaGroupPermission, AreaUserPermission, RowGrant

# The stock page of groups would write without an event, and would give rights of another kind.
admin.site.unregister(Group)


class GivenAdmin(ScopedAdmin):
    """Rows that are given and ended, never edited; both in the name of who does it and with a reason."""

    keeps = ("manage_posts",)
    change_list_template = "admin/grids/given_list.html"
    changes = False
    actions = ("end",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form who asks."""
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.actor = person(request)
        return form

    def store(self, request: HttpRequest, row: Any, form: Any, children: Children, seen: str | None) -> None:
        """Write through the action that records it."""
        adopt(row, form.give())

    @confirmed(label="提前结束", ask="结束以后，有关的人马上退出登录，不再有这些权限。", done="收回了")
    def end(self, request: HttpRequest, row: Any, reason: str) -> None:
        """End a grant or an exception."""
        grants.end_grant(row, actor=person(request), reason=reason)

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


class KindFilter(admin.SimpleListFilter):
    """Of which kind the row is."""

    title = "哪一类"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the kinds that know exceptions."""
        return [(label, str(model._meta.verbose_name)) for label, model in grants_selectors.kinds().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen kind."""
        app, _, name = (self.value() or "").partition(".")
        return queryset.filter(content_type__app_label=app, content_type__model=name) if self.value() else queryset


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
    list_display = ("holder", "right", "kind", "label", "last_day", "granted_by", "reason")
    list_select_related = ("user", "group", "content_type")
    list_filter = ("right", KindFilter)
    search_fields = ("label", "user__username", "user__display_name", "group__name", "reason")

    @admin.display(description="给谁")
    def holder(self, row: RowGrant) -> str:
        """Show the person or the group."""
        return str(row.user or f"组：{row.group}")

    @admin.display(description="哪一类", ordering="content_type")
    def kind(self, row: RowGrant) -> str:
        """Show the kind of the row without its room."""
        return row.content_type.name

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for what is given; show it with who gave it and when."""
        shown = ["holder", "right", "kind", "label", "last_day", "granted_by", "granted_at", "reason"]
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
    changes = True
    list_display = ("name", "members")
    search_fields = ("name", "user__username", "user__display_name")
    readonly_fields = ("rights",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Count the members."""
        return super().get_queryset(request).annotate(size=Count("user", distinct=True)).order_by("name")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for members only of a group that exists."""
        return ["name", "join", "leave", "rights", "reason"] if obj else ["name", "reason"]

    @confirmed(label="解散", ask="解散以后，组里的人马上退出登录，组的授权和例外都收回。", done="解散了")
    def end(self, request: HttpRequest, row: Any, reason: str) -> None:
        """Dissolve a group."""
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
