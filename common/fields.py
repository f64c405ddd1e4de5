"""Model columns for personal data: sealed text, and the blind indexes through which it is found."""

import logging
from typing import Any, ClassVar

from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from common import crypto

logger = logging.getLogger(__name__)
UNREADABLE = "无法解密"


class Sealed(str):
    """A ciphertext as it lies in the column; prints as a placeholder, never as its content."""

    __slots__ = ("opened",)
    opened: str | None

    def __new__(cls, text: str) -> "Sealed":
        made = super().__new__(cls, text)
        made.opened = None
        return made

    def __str__(self) -> str:
        return "（已加密）"

    __repr__ = __str__

    @property
    def text(self) -> str:
        """The ciphertext itself."""
        return str.__str__(self)


class Unreadable(str):
    """What a page shows for a value that cannot be opened; it remembers the ciphertext, so a save keeps it."""

    __slots__ = ("sealed",)
    sealed: Sealed

    def __new__(cls, sealed: Sealed) -> "Unreadable":
        made = super().__new__(cls, UNREADABLE)
        made.sealed = sealed
        return made


class SealedAttribute(DeferredAttribute):
    """Open the value when somebody reads it, and only then: a list that shows no number opens none."""

    field: "EncryptedTextField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        """Return the plain text, or an Unreadable that says so."""
        if instance is None:
            return self
        value = super().__get__(instance, cls)
        if not isinstance(value, Sealed):
            return value
        if value.opened is None:
            try:
                value.opened = crypto.unseal(value.text, self.field.aad(instance))
            except crypto.Unopened as error:
                logger.error("cannot open %s of %s: %s", self.field.attname, instance.pk, error)
                return Unreadable(value)
        return value.opened

    def __set__(self, instance: Any, value: Any) -> None:
        """Keep what was given; an Unreadable turns back into its ciphertext."""
        instance.__dict__[self.field.attname] = value.sealed if isinstance(value, Unreadable) else value


class EncryptedTextField(models.TextField):
    """Text that is sealed for its own table, column and row before it reaches the database.

    Written through instances only (save, bulk_create): a query that would compare or update it is refused.
    The primary key must be known before the row is written, so give the model a UUID.
    """

    descriptor_class = SealedAttribute
    column: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.max_length:
            self.validators.append(MaxLengthValidator(self.max_length))

    def aad(self, instance: models.Model) -> str:
        """Return what binds a sealed text to its place: table.column.primary key."""
        pk = instance._meta.pk.to_python(instance.pk)
        return f"{instance._meta.db_table}.{self.column}.{pk}"

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Refuse a model whose rows get their key from the database."""
        found = super().check(**kwargs)
        if not self.model._meta.abstract and not isinstance(self.model._meta.pk, models.UUIDField):
            found.append(checks.Error("A sealed column needs a UUID primary key.", obj=self, id="common.E003"))
        return found

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Wrap what the column holds; opening waits until somebody reads it."""
        return Sealed(value) if value else value

    def to_python(self, value: Any) -> Any:
        """Leave sealed and unreadable values as they are."""
        return value if isinstance(value, (Sealed, Unreadable)) else super().to_python(value)

    def clean(self, value: Any, model_instance: Any) -> Any:
        """Refuse the placeholder itself as a new value."""
        if isinstance(value, Unreadable):
            return value
        if value == UNREADABLE:
            raise ValidationError("这一项现在无法解密，请填写新的内容，或者先请管理员检查密钥。")
        return super().clean(value, model_instance)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal a new value; keep a stored one untouched, unless it was copied from another row."""
        value = model_instance.__dict__.get(self.attname, self.get_default())
        if isinstance(value, Sealed):
            if add:
                crypto.unseal(value.text, self.aad(model_instance))
            return value
        if value is None or value == "":
            return value
        if isinstance(value, Unreadable) or value == UNREADABLE:
            raise ValueError("The placeholder for an unreadable value cannot be stored.")
        sealed = Sealed(crypto.seal(str(value), self.aad(model_instance)))
        sealed.opened = str(value)
        model_instance.__dict__[self.attname] = sealed
        return sealed

    def get_prep_value(self, value: Any) -> Any:
        """Let sealed and empty values pass; refuse plain text, which a query would compare or store openly."""
        if isinstance(value, Sealed):
            return value.text
        if value is None or value == "":
            return value
        raise FieldError(f"{self.name} is sealed: write it through an instance, find it through its blind index.")

    def value_to_string(self, obj: models.Model) -> str:
        """Give serialisers the ciphertext, never the content."""
        value = self.pre_save(obj, add=False)
        return value.text if isinstance(value, Sealed) else (value or "")

    def get_lookup(self, lookup_name: str) -> Any:
        """Refuse every lookup but `isnull` and `exact` (for the empty text)."""
        return super().get_lookup(lookup_name) if lookup_name in {"isnull", "exact"} else None


class BlindIndexField(models.CharField):
    """The keyed digest of another column's plain value: equal numbers meet, and nobody reads them back.

    `last=4` indexes the last four digits. Empty values are NULL, so that `unique=True` binds only real ones.
    """

    db_index: bool
    _FIXED: ClassVar[dict[str, Any]] = {"max_length": 64, "null": True, "blank": True, "editable": False}

    def __init__(self, source: str = "phone", last: int | None = None, **kwargs: Any) -> None:
        if last not in (None, 4):
            raise ValueError("A blind index covers the whole number or its last four digits.")
        self.source, self.last = source, last
        kwargs.setdefault("db_index", not kwargs.get("unique", False))
        super().__init__(**{**kwargs, **self._FIXED})

    def deconstruct(self) -> tuple[Any, Any, Any, Any]:
        """Name source and length for the migration, not what never changes."""
        name, path, args, kwargs = super().deconstruct()
        for fixed in self._FIXED:
            kwargs.pop(fixed, None)
        return name, path, args, {**kwargs, "source": self.source, "last": self.last, "db_index": self.db_index}

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        """Watch saves of the model, so that the index cannot fall behind its source."""
        super().contribute_to_class(cls, name, private_only)
        if not cls._meta.abstract:
            # No business here: the column guards itself, and update_fields reaches nothing but this signal.
            models.signals.pre_save.connect(  # noqa: TID251
                self._refuse_half_a_save, sender=cls, weak=False, dispatch_uid=(cls, name)
            )

    def _refuse_half_a_save(self, sender: Any, update_fields: Any = None, **kwargs: Any) -> None:
        if update_fields is not None and self.source in update_fields and self.name not in update_fields:
            raise ValueError(f"Save {self.name} together with {self.source}.")

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Compute the digest from the source; keep the stored one when the source cannot be read."""
        value = getattr(model_instance, self.source)
        if isinstance(value, Unreadable):
            return getattr(model_instance, self.attname)
        digest = crypto.blind_index_last4 if self.last else crypto.blind_index
        made = digest(value or "") or None
        setattr(model_instance, self.attname, made)
        return made
