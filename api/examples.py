"""What the document shows beside each answer and each refusal."""

from typing import Any

from rest_framework import serializers

# Status → in a few words, and the codes that come with it: code, sentence, field.
ERRORS: dict[int, tuple[str, tuple[tuple[str, str, str], ...]]] = {
    400: ("读不懂发来的内容。", (("bad_request", "发来的内容不是能读懂的 JSON（UTF-8 编码，每一项只写一次）。", ""),)),
    401: ("没有登录，或者令牌不能用了。", (
        ("not_signed_in", "请先登录，再接着办。", ""),
        ("bad_token", "令牌不对、已经过期或者已经停用。请核对有没有抄全，或者找发放令牌的管理员。", ""),
    )),
    403: ("没有这一项权限。", (
        ("not_allowed", "这一步要由负责的人来做。需要开通请找本单位的管理员。", ""),
        ("csrf", "用网页会话写的时候，要带上 X-CSRFToken。", ""),
    )),
    404: ("没有这一条，或者看不到。", (("not_found", "没有找到这一条。请核对编号或者网址。", ""),)),
    405: ("这个地址不支持这个方法。", (("method_not_allowed", "这个地址不支持这个方法，请看 Allow。", ""),)),
    406: ("只能给 JSON。", (("not_acceptable", "这里只能给 JSON，请把 Accept 写成 application/json。", ""),)),
    409: ("现在的情况办不了。", (
        ("step_not_allowed", "这件事已经往前走了一步，请刷新页面看最新情况。", ""),
        ("conflict", "刚刚有别人改了这一条。请刷新页面，看过最新内容再改。", ""),
        ("out_of_capacity", "这个时段刚刚被约满了，请换一个时段。", ""),
        ("in_flight", "同一个 Idempotency-Key 的上一次调用还在办，请过一秒再用同样的内容问一次。", ""),
    )),
    412: ("看到的版本已经旧了。", (
        ("stale", "这一条已经有了新的版本。请重新读取，看过最新内容再改。", ""),
    )),
    415: ("只收 JSON。", (
        ("unsupported_media_type", "这里只收 JSON，请把 Content-Type 写成 application/json。", ""),
    )),
    422: ("内容不对。malformed 是程序写错了；invalid 是写法没错，可是这样办不了。", (
        ("malformed", "text：缺少这一项。", "text"),
        ("invalid", "没有找到这个地方，或者它不归您管。", "area"),
        ("key_reused", "这个 Idempotency-Key 已经用在别的内容上。新的一件事请换一个新的键。", ""),
    )),
    429: ("太快了。", (("too_many", "调用得太密，请 12 秒后再继续。", ""),)),
}  # fmt: skip
_SAMPLES: tuple[tuple[type[serializers.Field], Any], ...] = (
    (serializers.UUIDField, "7d1f0a5e-3c1b-4e7a-9a53-0f5f3f6f2b11"),
    (serializers.BooleanField, False),
    (serializers.DateTimeField, "2026-03-02T09:30:00+08:00"),
    (serializers.DateField, "2026-03-02"),
    (serializers.IntegerField, 1),
    (serializers.FloatField, 0.5),
    (serializers.DictField, {}),
)


def example_of(found: Any) -> Any:
    """Return what a field or a whole answer looks like."""
    if isinstance(found, serializers.ListSerializer | serializers.ListField):
        return [example_of(found.child)]
    if isinstance(found, serializers.Serializer):
        return {name: example_of(field) for name, field in found.fields.items()}
    if isinstance(found, serializers.ChoiceField):
        return next(iter(found.choices))
    sample = next((value for kind, value in _SAMPLES if isinstance(found, kind)), None)
    if sample is not None:
        return sample
    return None if getattr(found, "allow_null", False) else (str(found.label) if found.label else "文字")
