"""Accounts in the admin: made, renamed, closed and given temporary passwords here; every write is an action."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import password_validation
from django.db.models import Q
from django.http import HttpRequest

from accounts import actions
from accounts.models import RateLimit, TokenPolicy, User
from accounts.selectors import person
from common.admin import Children, KeptForm, ScopedAdmin, SettingsAdmin
from common.crypto import blind_index, looks_like_phone
from common.errors import Invalid
from common.masks import mask_phone


class AccountForm(KeptForm):
    """One account; the phone number stays masked, a new one is typed into its own entry."""

    new_phone = forms.CharField(label="手机号", max_length=20, required=False)
    temporary_password = forms.CharField(
        label="临时密码",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="本人第一次登录后要改掉。",
    )

    class Meta:
        model = User
        fields = ("username", "display_name", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            phone, password = self.fields["new_phone"], self.fields["temporary_password"]
            phone.label, phone.help_text = "换一个手机号", "不改就留空。"
            password.help_text += "不改就留空。"

    def clean_temporary_password(self) -> str:
        """Refuse a weak temporary password."""
        password: str = self.cleaned_data["temporary_password"]
        if password:
            password_validation.validate_password(password, self.instance)
        elif self.instance._state.adding:
            raise forms.ValidationError("新账号要有一个临时密码。")
        return password

    def clean(self) -> dict[str, Any]:
        """Refuse what the actions would refuse, next to its field."""
        data = super().clean() or {}
        try:
            actions.check_free(self.instance, username=data.get("username", ""), phone=data.get("new_phone", ""))
        except Invalid as error:
            self.add_error("new_phone" if error.field == "phone" else error.field or None, error.message)
        return data


@admin.register(User)
class UserAdmin(ScopedAdmin):
    """Accounts, for the security administrator alone, without phone numbers in sight."""

    looks = keeps = ("manage_users",)
    count_by = "is_active"
    form = AccountForm
    list_display = ("username", "display_name", "masked_phone", "is_active", "must_change_password", "last_login")
    list_filter = ("is_active", "must_change_password")
    search_fields = ("username", "display_name")
    search_help_text = "输入用户名、姓名，或者完整的手机号"
    ordering = ("username",)
    actions = None

    def found_also(self, request: HttpRequest, text: str) -> Q:
        """Find an account by its whole phone number."""
        return Q(phone_index=blind_index(text)) if looks_like_phone(text) else super().found_also(request, text)

    @admin.display(description="手机号")
    def masked_phone(self, user: User) -> str:
        """Show the number with its middle hidden."""
        return mask_phone(user.phone) or "—"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep the user name as it was made."""
        return ("username", "masked_phone", "last_login") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Show the number's mask and the last sign-in only for an account that exists."""
        if obj is None:
            return ("username", "display_name", "new_phone", "temporary_password")
        seen = ("username", "display_name", "masked_phone", "last_login", "is_active")
        return (*seen, "new_phone", "temporary_password")

    def store(self, request: HttpRequest, row: User, form: Any, children: Children, seen: str | None) -> None:
        """Store the account through its actions."""
        data, actor = form.cleaned_data, person(request)
        if seen is None:
            made = actions.create_user(
                username=data["username"],
                display_name=data["display_name"],
                phone=data["new_phone"],
                password=data["temporary_password"],
                actor=actor,
            )
            row.pk, row._state.adding = made.pk, False
            return
        phone = data["new_phone"] or None
        actions.change_profile(row, display_name=data["display_name"], phone=phone, actor=actor, seen=seen)
        if data["temporary_password"]:
            actions.change_password(row, password=data["temporary_password"], actor=actor, must_change=True)
        actions.set_active(row, active=data["is_active"], actor=actor)


class KeptLimitAdmin(SettingsAdmin):
    """Limits that come with the product; a district sets how much they allow."""

    looks = ("manage_settings",)
    adds = False

    def store(self, request: HttpRequest, row: Any, form: Any, children: Children, seen: str | None) -> None:
        """Keep the row."""
        actions.keep_limit(row, actor=person(request), seen=seen)


@admin.register(RateLimit)
class RateLimitAdmin(KeptLimitAdmin):
    """How often one caller may sign in wrongly or use the API."""

    list_display = ("code", "name", "amount", "seconds")
    search_fields = ("code", "name")


@admin.register(TokenPolicy)
class TokenPolicyAdmin(KeptLimitAdmin):
    """What the district allows of tokens: one row, which comes with the product."""

    list_display = ("longest_days", "overlap_hours")
