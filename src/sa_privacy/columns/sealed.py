"""The sealed type: a column whose stored value is a cell (see docs/spec/cell.md).

The application sees the inner type; the database sees bytes. The keys are those of the ``Privacy`` installed on the
engine that the statement runs on; on an engine without one, a sealed column neither writes nor reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, TypeVar

from sqlalchemy import JSON, Enum, Interval, LargeBinary, Text, TypeDecorator
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeEngine, to_instance

from sa_privacy.columns.accepting import PlainValues
from sa_privacy.columns.binding import NoKeys, keys_of
from sa_privacy.columns.lookup import Lookup, LookupSpec, as_lookup, normaliser
from sa_privacy.columns.searching import SealedComparator, register_lower
from sa_privacy.columns.stored import as_it_is, cell_joiner, decoration, is_binary, plain_writer
from sa_privacy.crypto import ERASED, FieldCipher, codec_for
from sa_privacy.crypto import JSON as JSON_CODEC
from sa_privacy.errors import PolicyError, PrivacyError, SealedColumn

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["Encrypted", "SealFailed"]

_PLAIN = DefaultDialect()
_T = TypeVar("_T")
# Encodes, to None where the type stores a value as NULL; and decodes.
_Codec: TypeAlias = tuple[Callable[[Any], bytes | None], Callable[[bytes], Any]]


class SealFailed(PrivacyError, DontWrapMixin):
    """A value cannot be sealed as the column's type. Names the types, never the value."""

    code = "SP-304"


class Encrypted(TypeDecorator[Any]):
    """A sealed column: ``Column("email", Encrypted(String(320), category="email"))``.

    :param inner: the type as the application sees it; ``Text`` where left out.
    :param category: the policy's category.
    :param purposes: narrows the purposes that the policy allows for the category.
    :param lookup: how the column may be searched; see :func:`sa_privacy.pii_column`.
    :param field: the logical field id that cells are bound to; ``"table.column"`` where left out.
    :param key: ``"subject"``: cells are sealed under a key of the person whose row it is, and are noise once that is
        destroyed; None: under the keyring's.
    """

    impl = LargeBinary
    cache_ok = True
    key: ClassVar[str | None] = None
    kinds: ClassVar[dict[str, type[Encrypted]]] = {}
    """What ``key=`` makes of the type."""

    def __new__(cls, *args: Any, key: str | None = None, **kwargs: Any) -> Self:  # noqa: ARG004 - for __init__
        """An instance of the kind that ``key`` asks for."""
        if key is not None and key not in cls.kinds:
            raise PolicyError(f"key={key!r} is not known.", hint='"subject", or None for the keys of the keyring.')
        return super().__new__(cls if key is None else cls.kinds[key])  # type: ignore[return-value]

    def __init__(
        self,
        inner: TypeEngine[Any] | type[TypeEngine[Any]] | None = None,
        *,
        category: str,
        purposes: Collection[str] | None = None,
        lookup: LookupSpec = None,
        field: str | None = None,
        key: str | None = None,
    ) -> None:
        super().__init__()
        self.inner: TypeEngine[Any] = to_instance(Text() if inner is None else inner)
        self.category = category
        self.purposes = None if purposes is None else frozenset(purposes)
        self.lookup: Lookup | None = as_lookup(lookup)
        self.field = field
        self._make_functions()

    def _make_functions(self) -> None:
        self._encode, self._decode = _codec(self.inner)
        self._normalise = None if self.lookup is None else normaliser(self.lookup, _stored_type(self.inner))

    def bound_to(self, field: str) -> Encrypted:
        """The same type, with its cells bound to `field`."""
        return Encrypted(
            self.inner, category=self.category, purposes=self.purposes, lookup=self.lookup, field=field, key=self.key
        )

    def __getstate__(self) -> dict[str, Any]:
        # Keys are never here; codecs are functions, made anew from the inner type.
        made = ("_encode", "_decode", "_normalise")
        return {name: value for name, value in self.__dict__.items() if name not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_functions()

    @cached_property
    def _static_cache_key(self) -> tuple[Any, ...]:
        # SQLAlchemy's own takes positional arguments alone: two fields would share one compiled statement.
        return (type(self), self.inner, self.category, self.purposes, self.lookup, self.field)

    @property
    def python_type(self) -> type[Any]:
        return self.inner.python_type

    comparator_factory = SealedComparator

    @property
    def operator_classes(self) -> Any:  # type: ignore[override]
        """Which operators the type has (SQLAlchemy 2.1): those of the inner type. The gate says which can work."""
        return getattr(self.inner, "operator_classes", None)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        # Where there is no lookup, the gate refuses the comparison, and says what to do instead.
        return self.inner

    @property
    def lookup_field(self) -> str | None:
        """The field id that digests are bound to; the same for columns that share a lookup."""
        return self.lookup.shared or self.field if self.lookup is not None else None

    @property
    def folds(self) -> bool:
        """Whether values that differ in case alone are found as equal."""
        return self.lookup is not None and self.lookup.by == "casefold"

    def compares_with(self, other: object) -> bool:
        """Whether values of a column of the other type have the same digests."""
        if not isinstance(other, Encrypted) or self.lookup is None or other.lookup is None:
            return False
        mine, theirs = (self.lookup_field, self.lookup.by), (other.lookup_field, other.lookup.by)
        return mine == theirs and _stored_type(self.inner) is _stored_type(other.inner)

    def compare_values(self, x: Any, y: Any) -> bool:
        return self.inner.compare_values(x, y)

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        # At once, and not from the function asked for: SQLAlchemy would quote the value in an error around that.
        raise SealedColumn(
            f"a value of {self._name} cannot be rendered into the SQL text.",
            hint="leave literal_binds off: sealed values go to the database as parameters.",
        )

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        return self.sealer(dialect, join=cell_joiner(dialect))

    def sealer(self, dialect: Dialect, *, join: Callable[[Iterable[bytes]], bytes] = b"".join) -> Callable[[Any], Any]:
        """From a value to its cell.

        :param join: puts the parts of a cell together.
        """
        if self.field is None:
            return self._fieldless
        cipher, encode, normalise = self._cipher(dialect), self._encode, self._normalise
        if normalise is None:
            return cipher.sealer(encode, refuse=self._refused, join=join)
        slots = keys_of(dialect).digests(self.lookup_field or self.field).slots
        return cipher.sealer(encode, slots=slots, normalise=normalise, refuse=self._refused, join=join)

    def digester(self, dialect: Dialect) -> Callable[[Any], Any]:
        """From a value that the column is compared with to the slots that a cell of it would have."""
        if self.field is None or self._normalise is None:
            return self._fieldless
        keys, encode, normalise = keys_of(dialect), self._encode, self._normalise
        slots, accepted = keys.digests(self.lookup_field or self.field).slots, keys.accepted
        field, plain = self.field, self._plain_form(dialect)

        def digest(value: Any) -> bytes | None:
            plaintext = encode(value)
            if plaintext is None:
                return None
            both = slots(normalise(value, plaintext))
            return both + plain(value) if field in accepted() else both

        return self._guarded(digest)

    def compares_plain(self, dialect: Dialect) -> bool:
        """Whether the database can compare plain values of the column as its lookup does, while it is being sealed."""
        acceptance = keys_of(dialect).accepted().get(self.field or "")
        if acceptance is None or not acceptance.open or acceptance.stored_as is not None:
            return False
        if isinstance(self.inner, Interval) or is_binary(self.inner, dialect):
            return False  # of one value PostgreSQL knows several spellings, and bytes may look like a cell
        return self.lookup is not None and not callable(self.lookup.by)

    def _plain_form(self, dialect: Dialect) -> Callable[[Any], bytes]:
        """From a value to the bytes of its plain form: what stands in the database as long as it is not sealed."""

        def plain(value: Any) -> bytes:
            stored = plain_writer(self.inner, dialect)(value)
            return stored if isinstance(stored, bytes) else str(stored).encode()

        return plain

    def _cipher(self, dialect: Dialect) -> FieldCipher:
        return keys_of(dialect).cipher(str(self.field), slots=self.lookup is not None)

    def _guarded(self, make: Callable[[Any], _T | None]) -> Callable[[Any], _T | None]:
        """The same for NULL and for values that cannot be encoded: no error carries one."""

        def made(value: Any) -> _T | None:
            if value is None:
                return None
            if value is ERASED:
                raise self._refused(value)
            try:
                return make(value)
            except (MemoryError, PrivacyError):
                raise
            except Exception:  # noqa: BLE001, S110 - whatever was raised may hold the value
                pass
            raise self._refused(value)  # outside the except block: the error's context could hold the value

        return made

    def _refused(self, value: Any) -> SealFailed:
        """The error for a value that cannot be sealed."""
        columns = (self.field,) if self.field else ()
        if value is ERASED:
            return SealFailed(
                f"{self._name} was given what stands for an erased value, which cannot be stored.",
                hint="leave the attribute as it was read, or give it a value.",
                columns=columns,
            )
        return SealFailed(
            f"{self._name} holds {type(self.inner).__name__} and was given {type(value).__name__} "
            "that cannot be stored as such.",
            hint=f"give it a value of type {_python_name(self.inner)}.",
            columns=columns,
        )

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        if self.field is None:
            return self._fieldless
        plain = PlainValues(keys_of(dialect).accepted, self.field, self.inner, dialect, coltype)
        return self._cipher(dialect).opener(self._decode, plain)

    def same(self, x: Any, y: Any) -> bool:
        """Whether two values have the same plaintext; raises what encoding raises."""
        return x is y or (x is not None and y is not None and self._encode(x) == self._encode(y))

    def _fieldless(self, value: Any) -> None:
        """In place of both: a value that stands outside any column has no field to be bound to."""
        if value is not None:
            raise NoKeys(
                "a sealed value stands outside any column, so there is no field to bind it to.",
                hint="use the column's own type, or give Encrypted(..., field=...).",
            )

    @property
    def _name(self) -> str:
        return self.field or f"a sealed column ({self.category})"


def _stored_type(inner: TypeEngine[Any]) -> type | None:
    """The Python type whose encoding the cells of `inner` hold; None where it is not plain."""
    if isinstance(inner, Enum):
        return str
    if isinstance(inner, Interval):
        return timedelta
    if isinstance(inner, JSON):
        return None
    if isinstance(inner, TypeDecorator):
        return _stored_type(inner.load_dialect_impl(_PLAIN))
    return inner.python_type


def _python_name(inner: TypeEngine[Any]) -> str:
    try:
        return inner.python_type.__name__
    except NotImplementedError:
        return type(inner).__name__


def _codec(inner: TypeEngine[Any]) -> _Codec:
    """How a value of `inner` becomes bytes and comes back, equal and of the same type."""
    if isinstance(inner, Encrypted):
        raise PolicyError("a column cannot be sealed twice.", hint="give Encrypted(...) the plain type.")
    if isinstance(inner, JSON):
        return JSON_CODEC.encode, JSON_CODEC.decode
    if isinstance(inner, Enum):
        return _enum_codec(inner)
    if isinstance(inner, Interval):  # a TypeDecorator that would pass through a date
        return codec_for(timedelta).encode, codec_for(timedelta).decode
    if isinstance(inner, TypeDecorator):
        return _decorated_codec(inner)
    try:
        kind = inner.python_type
        plain = codec_for(kind)
    except (NotImplementedError, TypeError) as error:
        raise PolicyError(
            f"{type(inner).__name__} cannot be sealed: its Python type is not known to the library.",
            hint="use a type whose values are str, bytes, numbers, dates, UUID, Enum or JSON, or encrypt=False.",
        ) from error
    if kind is str:
        return str.encode, plain.decode  # as the codec's, but that an error holds the value: it is dropped by who asks
    if kind.__name__ in ("Decimal", "float"):  # SQLAlchemy's numeric columns take whole numbers too
        return (lambda value: plain.encode(kind(value) if type(value) is int else value)), plain.decode
    return plain.encode, plain.decode


def _enum_codec(inner: Any) -> _Codec:
    text, stored = codec_for(str), frozenset(inner.enums)
    before, after = inner.bind_processor(_PLAIN), inner.result_processor(_PLAIN, None)

    def encode(value: Any) -> bytes:
        label = value if before is None else before(value)
        if label not in stored:  # Enum lets unknown strings through, and fails when they are read
            raise ValueError(type(value).__name__)
        return text.encode(label)

    return encode, text.decode if after is None else lambda data: after(text.decode(data))


def _decorated_codec(inner: TypeDecorator[Any]) -> _Codec:
    """Through what the decorator does to values, and the codec of the type it decorates."""
    encode, decode = _codec(inner.load_dialect_impl(_PLAIN))
    before, after = decoration(inner)

    def encode_decorated(value: Any) -> Any:
        plain = before(value)
        return None if plain is None else encode(plain)  # a decorator may store some values as NULL

    return (encode if before is as_it_is else encode_decorated), (
        decode if after is as_it_is else lambda data: after(decode(data))
    )


register_lower()
