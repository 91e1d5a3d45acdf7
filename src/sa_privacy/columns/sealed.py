"""The sealed type: a column whose stored value is a cell (see docs/spec/cell.md).

The application sees the inner type; the database sees bytes. The keys are those of the ``Privacy`` installed on the
engine that the statement runs on; on an engine without one, a sealed column neither writes nor reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Enum, LargeBinary, TypeDecorator
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.types import TypeEngine, to_instance

from sa_privacy.columns.binding import keys_of
from sa_privacy.crypto import JSON as JSON_CODEC
from sa_privacy.crypto import Codec, codec_for
from sa_privacy.errors import KeyUnavailable, PolicyError, PrivacyError, SealedColumn

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["Encrypted", "SealFailed"]

_PLAIN = DefaultDialect()


class NoKeys(KeyUnavailable, DontWrapMixin):
    """Raised while parameters are bound. DontWrapMixin: a StatementError around it would carry the plaintext."""


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
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(
        self,
        inner: TypeEngine[Any] | type[TypeEngine[Any]] | None = None,
        *,
        category: str,
        purposes: Collection[str] | None = None,
        lookup: Any = None,
        field: str | None = None,
    ) -> None:
        super().__init__()
        from sqlalchemy import Text

        self.inner: TypeEngine[Any] = to_instance(Text() if inner is None else inner)
        self.category = category
        self.purposes = None if purposes is None else frozenset(purposes)
        self.lookup = lookup
        self.field = field
        self._encode, self._decode = _codec(self.inner)

    def bound_to(self, field: str) -> Encrypted:
        """The same type, with its cells bound to `field`."""
        return Encrypted(self.inner, category=self.category, purposes=self.purposes, lookup=self.lookup, field=field)

    @property
    def python_type(self) -> type[Any]:
        return self.inner.python_type

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        # A compared value is not sealed: the gate refuses the comparison, and says what to do instead.
        return self.inner

    def compare_values(self, x: Any, y: Any) -> bool:
        return self.inner.compare_values(x, y)

    def literal_processor(self, dialect: Dialect) -> Callable[[Any], str]:
        def refuse(value: Any) -> str:
            raise SealedColumn(
                f"a value of {self._name} cannot be rendered into the SQL text.",
                hint="leave literal_binds off: sealed values go to the database as parameters.",
            )

        return refuse

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        binding, encode = keys_of(dialect), self._encode
        ring: Any = None
        seal: Callable[[bytes], bytes]

        def seal_value(value: Any) -> Any:
            nonlocal ring, seal
            if value is None:
                return None
            if binding.keyring is not ring or ring is None:
                ring = binding.keyring
                if ring is None:
                    raise self._no_keys("written")
                seal = ring.sealer(self._field(), slots=self.lookup is not None).seal
            try:
                plaintext = encode(value)
            except (TypeError, ValueError, AttributeError):
                plaintext = None
            if plaintext is None:  # outside the except block: the error's context could hold the value
                raise SealFailed(
                    f"{self._name} holds {type(self.inner).__name__} and was given {type(value).__name__} "
                    "that cannot be stored as such.",
                    hint=f"give it a {_python_name(self.inner)}.",
                )
            return seal(plaintext)

        return seal_value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        binding, decode = keys_of(dialect), self._decode
        ring: Any = None
        open_cell: Callable[[bytes], Any]

        def open_value(cell: Any) -> Any:
            nonlocal ring, open_cell
            if cell is None:
                return None
            if binding.keyring is not ring or ring is None:
                ring = binding.keyring
                if ring is None:
                    raise self._no_keys("read")
                open_cell = ring.sealer(self._field(), slots=self.lookup is not None).opener(decode)
            return open_cell(cell)

        return open_value

    def _field(self) -> str:
        if self.field is None:
            raise KeyUnavailable(
                "a sealed value stands outside any column, so there is no field to bind it to.",
                hint="use the column's own type, or give Encrypted(..., field=...).",
            )
        return self.field

    @property
    def _name(self) -> str:
        return self.field or f"a sealed column ({self.category})"

    def _no_keys(self, verb: str) -> NoKeys:
        return NoKeys(
            f"{self._name} is sealed and cannot be {verb}: this engine has no Privacy, or its Privacy has no keys.",
            hint="call privacy.install(engine), with Privacy(..., keys=Keyring.load(...)).",
            columns=(self.field,) if self.field else (),
        )


def _python_name(inner: TypeEngine[Any]) -> str:
    try:
        return inner.python_type.__name__
    except NotImplementedError:
        return "value of that type"


def _codec(inner: TypeEngine[Any]) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    """How a value of `inner` becomes bytes and comes back, equal and of the same type."""
    if isinstance(inner, Encrypted):
        raise PolicyError("a column cannot be sealed twice.", hint="give Encrypted(...) the plain type.")
    if isinstance(inner, JSON):
        return JSON_CODEC.encode, JSON_CODEC.decode
    if isinstance(inner, Enum):
        text = codec_for(str)
        return _through(inner.bind_processor(_PLAIN), text, inner.result_processor(_PLAIN, None))
    if isinstance(inner, TypeDecorator):
        decorated: TypeDecorator[Any] = inner
        encode, decode = _codec(inner.impl_instance)
        return (
            lambda value: encode(decorated.process_bind_param(value, _PLAIN)),
            lambda data: decorated.process_result_value(decode(data), _PLAIN),
        )
    try:
        kind = inner.python_type
        plain = codec_for(kind)
    except (NotImplementedError, TypeError) as error:
        raise PolicyError(
            f"{type(inner).__name__} cannot be sealed: its Python type is not known to the library.",
            hint="use a type whose values are str, bytes, numbers, dates, UUID, Enum or JSON, or encrypt=False.",
        ) from error
    if kind.__name__ in ("Decimal", "float"):  # SQLAlchemy's numeric columns take whole numbers too
        return (lambda value: plain.encode(kind(value) if type(value) is int else value)), plain.decode
    return plain.encode, plain.decode


def _through(
    before: Callable[[Any], Any] | None, codec: Codec, after: Callable[[Any], Any] | None
) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    encode = codec.encode if before is None else lambda value: codec.encode(before(value))
    decode = codec.decode if after is None else lambda data: after(codec.decode(data))
    return encode, decode
