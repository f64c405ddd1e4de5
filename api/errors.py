"""What only the machine interface refuses."""

from common.errors import DomainError


class Malformed(DomainError):
    """Refuse what is not written as the document says; no retry with other rows will help."""

    code = "malformed"
    status = 422
    default_message = "发来的内容和接口说明不一致，请对照接口说明改程序。"


class Stale(DomainError):
    """Refuse a write that was decided on an old version of the row."""

    code = "stale"
    status = 412
    default_message = "这一条已经有了新的版本。请重新读取，看过最新内容再改。"
