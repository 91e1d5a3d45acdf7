"""Rules about rows as the wall understands them: a rule's function is called once, with a stand-in for the access.

What the function takes from the access becomes a setting of the transaction, so that the condition can stand in the
database. A function that needs the value itself, in Python, cannot be expressed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam

from sa_privacy.access import Access
from sa_privacy.gate.rows.rule import RowRule

__all__ = ["VALUE", "NotExpressible", "stated", "value_of"]

#: How the settings begin that hold what a rule takes from the access.
VALUE: Final = "sa_privacy.value_"
_ATTRIBUTES: Final = ("actor", "subject", "request")
_DETAIL: Final = "detail_"
_NEEDED: Final = "its function needs the value of the access in Python"
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}")


class NotExpressible(Exception):
    """A condition that cannot stand in the database; says why."""


class _ValueNeeded(NotExpressible, AttributeError):
    """Whoever asks a stand-in for an attribute that it may do without is told that it has none."""


def stated(rule: RowRule) -> ColumnElement[bool]:
    """The rule's condition, with parameters named after settings in place of what it takes from the access.

    :raises NotExpressible: its function needs the values.
    """
    try:
        access: Any = _StandIn()
        said = rule.where(_Columns(rule), access)
        said = getattr(said, "__clause_element__", lambda: said)()
    except NotExpressible:
        raise
    except Exception as error:  # noqa: BLE001 - whatever the application's function does with what is no value
        raise NotExpressible(f"its function needs real values ({type(error).__name__})") from None
    if not isinstance(said, ColumnElement):
        raise NotExpressible("its function gives no SQL condition")
    return and_(said)


def value_of(access: Access, name: str) -> object:
    """What an access says for the setting of this name."""
    what = name.removeprefix(VALUE)
    return getattr(access, what) if what in _ATTRIBUTES else access.details.get(what.removeprefix(_DETAIL))


class _Value:
    """Stands for a value of the access: it may be compared with a column, and nothing else."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __clause_element__(self) -> BindParameter[Any]:
        return bindparam(self._name)

    def __eq__(self, other: object) -> Any:
        return other == self if _is_sql(other) else _needed()

    def __ne__(self, other: object) -> Any:
        return other != self if _is_sql(other) else _needed()

    def __hash__(self) -> int:
        raise NotExpressible(_NEEDED)

    def __getattr__(self, name: str) -> Any:
        raise _ValueNeeded(_NEEDED)

    def _refuse(self, *_: object) -> NoReturn:
        _needed()

    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = __str__ = __repr__ = __format__ = _refuse
    __int__ = __index__ = __float__ = __add__ = __radd__ = __sub__ = __mod__ = _refuse


def _is_sql(thing: object) -> bool:
    return hasattr(thing, "__clause_element__") or isinstance(thing, ColumnElement)


def _needed() -> NoReturn:
    raise NotExpressible(_NEEDED)


class _Details(Mapping[str, Any]):
    def __getitem__(self, name: str) -> _Value:
        if _PLAIN.fullmatch(name) is None:
            raise NotExpressible(f"the detail {name!r} cannot be the name of a setting")
        return _Value(f"{VALUE}{_DETAIL}{name}")

    def get(self, name: str, default: object = None) -> Any:
        return self[name]

    def __iter__(self) -> NoReturn:
        _needed()

    def __len__(self) -> int:
        raise NotExpressible(_NEEDED)

    def __contains__(self, name: object) -> NoReturn:
        _needed()


class _Columns:
    """The columns of the row, by name."""

    def __init__(self, rule: RowRule) -> None:
        self._rule = rule

    def __getattr__(self, name: str) -> ColumnElement[Any]:
        wanted = self._rule.names.get(name, name)
        found = next((column for column in self._rule.table.c if column.name == wanted), None)
        if found is None:
            raise AttributeError(name)
        return found

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        return getattr(self, name)  # type: ignore[no-any-return]


class _StandIn:
    """Stands for an access."""

    def __getattr__(self, name: str) -> Any:
        if name in _ATTRIBUTES:
            return _Value(f"{VALUE}{name}")
        if name == "details":
            return _Details()
        raise NotExpressible(f"its function takes access.{name}, which is no setting")
