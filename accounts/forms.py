"""What people type to sign in and to change their password."""

from typing import Any

from django import forms
from django.contrib.auth import authenticate, password_validation
from django.http import HttpRequest

from accounts import tokens
from accounts.models import TokenPolicy, User
from common import access

_WRONG = "用户名、手机号或者密码不对。请再试一次；想不起来，请本单位的管理员重置密码。"
_SLOW = "刚才试错太多次，请过一会儿再试；急用请本单位的管理员重置密码。"


class PersonField(forms.CharField):
    """An account, named by its user name or phone number; nobody is offered a list of accounts to choose from."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            **{"label": "人员", "max_length": 150, "help_text": "填这个人的用户名或者手机号。", **options}
        )

    def clean(self, value: Any) -> Any:
        """Return the account; refuse a name that nobody has and a closed account."""
        typed = super().clean(value)
        user = User.objects.by_name_or_phone(typed) if typed else None
        if typed and (user is None or not user.is_active):
            raise forms.ValidationError("没有找到这个账号，请核对用户名或者手机号。没有账号的，请安全管理员先建一个。")
        return user


class SignInForm(forms.Form):
    """User name or phone number, and password; says the same whether or not there is such an account."""

    username = forms.CharField(
        label="用户名或者手机号",
        max_length=150,
        error_messages={"required": "请填用户名或者手机号。"},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = forms.CharField(
        label="密码",
        strip=False,
        max_length=200,
        error_messages={"required": "请填密码。"},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Refuse a pair that does not belong together."""
        data = super().clean() or {}
        if data.get("username") and data.get("password"):
            found = authenticate(self.request, username=data["username"].strip(), password=data["password"])
            if found is None:
                raise forms.ValidationError(_SLOW if getattr(self.request, "slowed_down", False) else _WRONG)
            self.user = User.objects.get(pk=found.pk)
            self.user.backend = getattr(found, "backend", "")
        return data


class PasswordForm(forms.Form):
    """The present password once, the new one twice."""

    old_password = forms.CharField(
        label="现在的密码",
        strip=False,
        max_length=200,
        error_messages={"required": "请填现在的密码。"},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    new_password = forms.CharField(
        label="新密码",
        strip=False,
        max_length=200,
        error_messages={"required": "请填新密码。"},
        help_text="至少 10 位，大写字母、小写字母、数字、符号中有三种；或者用一句 16 个字以上的话。",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="再填一遍新密码",
        strip=False,
        max_length=200,
        error_messages={"required": "请再填一遍新密码。"},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_new_password(self) -> str:
        """Refuse a password that breaks a rule."""
        password: str = self.cleaned_data["new_password"]
        password_validation.validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        """Refuse two new passwords that differ."""
        data = super().clean() or {}
        if "new_password" in data and "again" in data and data["new_password"] != data["again"]:
            self.add_error("again", "两遍填的不一样，请再填一遍。")
        return data


class TokenForm(forms.Form):
    """For which account a token is, what it may do, where, and for how long."""

    name = forms.CharField(
        label="给哪个系统、做什么用",
        max_length=60,
        error_messages={"required": "请写一句这个令牌给哪个系统、做什么用。"},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    username = forms.CharField(
        label="代表哪个账号",
        max_length=150,
        help_text="填用户名。令牌只能做这个账号本来能做的事。",
        error_messages={"required": "请填用户名。"},
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    create = forms.BooleanField(
        label="没有这个账号就新建一个系统专用账号", required=False, help_text="专用账号没有密码，不能登录网页。"
    )
    permissions = forms.MultipleChoiceField(
        label="能做什么",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请至少选一项。", "invalid_choice": "请从列出来的里面选。"},
    )
    place = forms.CharField(
        label="只限一个地方",
        max_length=32,
        required=False,
        help_text="填区划代码，比如社区的 12 位代码；不填就和账号的范围一样。",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )
    days = forms.IntegerField(
        label="有效多少天", error_messages={"required": "请填天数。", "invalid": "天数要填整数。"}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        longest = TokenPolicy.current().longest_days
        rights: Any = self.fields["permissions"]
        rights.choices = list(tokens.rights_for_machines().items())
        days = self.fields["days"]
        days.help_text = f"最多 {longest} 天。"
        days.initial = min(90, longest)

    def clean_place(self) -> access.Place | None:
        """Find the place by its code."""
        code = self.cleaned_data["place"].strip()
        found = access.find_place(code=code) if code else None
        if code and found is None:
            raise forms.ValidationError(f"没有代码是“{code}”的地方，请核对；不限地方就留空。")
        return found

    def clean(self) -> dict[str, Any]:
        """Find the account by its user name."""
        data = super().clean() or {}
        name = User.normalize_username(data.get("username", "").strip())
        data["user"] = User.objects.filter(username=name).first() if name else None
        if name and data["user"] is None and not data.get("create"):
            self.add_error("username", f"没有用户名是“{name}”的账号。请核对，或者勾上“新建一个系统专用账号”。")
        return data
