"""Posts (岗位): given and ended, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.selectors import person
from common import access
from common.admin import Children, ScopedAdmin, confirmed
from grids import actions
from grids.admin.filters import PlaceFilter
from grids.admin.trees import adopt
from grids.forms import PostForm
from grids.models import Post


@admin.register(Post)
class PostAdmin(ScopedAdmin):
    """Posts: the security administrator gives all of them, streets and communities those of their own people."""

    keeps, place = ("manage_posts", "appoint_locally"), "scope_path"
    changes = False
    form = PostForm
    list_display = ("user", "role", "area", "valid_from", "valid_to")
    list_filter = ("role", PlaceFilter, ("valid_to", admin.EmptyFieldListFilter))
    list_select_related = ("user", "area")
    search_fields = ("user__username", "user__display_name", "area__name")
    search_help_text = "输入姓名、用户名或者地方"
    raw_id_fields = ("area",)
    date_hierarchy = "valid_from"
    count_by = "role"
    actions = ("end",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Offer only the roles that the person may give."""
        form = super().get_form(request, obj, change, **kwargs)
        form.local = not access.holds(request.user, "manage_posts")
        return form

    @confirmed(
        label="结束岗位",
        ask="结束以后，这些人马上退出登录，不再有这些岗位的权限；以前的记录都留着。",
        done="结束了",
    )
    def end(self, request: HttpRequest, row: Post, reason: str) -> None:
        """End the post and its holder's sessions."""
        actions.end_post(row, actor=person(request), reason=reason)

    def store(self, request: HttpRequest, row: Post, form: Any, children: Children, seen: str | None) -> None:
        """Give the post through the action that records it."""
        data = {name: form.cleaned_data[name] for name in PostForm.Meta.fields}
        adopt(row, actions.assign_post(actor=person(request), **data))
