"""Class attributes that ask before they give a personal value, and copies that do not slip past them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.orm import CompositeProperty

from sa_privacy.gate.objects.mark import MARK, marks
from sa_privacy.gate.objects.methods import is_replaced, put_back, replace
from sa_privacy.gate.sqlalchemy_private import InstanceKey

__all__ = ["guard_attribute", "let_go_of_attribute", "unwatch_copies", "watch_copies"]

_COPYING: Final = ("__copy__", "__deepcopy__")


def guard_attribute(attribute: Any) -> None:
    """Makes one class attribute ask before it gives a value."""
    plain = type(attribute)
    if getattr(plain, "sa_privacy_guards", False):
        return
    if plain not in _classes:
        composite = isinstance(attribute.property, CompositeProperty)
        _classes[plain] = _guarded_composite(plain) if composite else _guarded(plain)
    attribute.__class__ = _classes[plain]


def let_go_of_attribute(attribute: Any) -> None:
    """Puts the attribute's own class back."""
    if getattr(type(attribute), "sa_privacy_guards", False):
        attribute.__class__ = type(attribute).__mro__[1]


_classes: dict[type[Any], type[Any]] = {}


def _guarded(plain: Any) -> type[Any]:
    give = plain.__get__
    take = plain.__set__

    class Guarded(plain):  # type: ignore[misc]
        __slots__ = ()
        sa_privacy_guards = True
        inherit_cache = True

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is None:
                return self
            values = instance.__dict__
            try:
                mark = getattr(values[InstanceKey], MARK, None)
            except KeyError:  # made past SQLAlchemy, which says so itself
                mark = None
            if mark is None:
                return give(self, instance, owner)
            scope = mark.scope()
            if scope is not None and scope.access is mark.access and scope.alive:
                try:
                    return values[self.key]
                except KeyError:
                    pass
            return mark.memory.reading.value(self, instance, owner, mark, give)

        def __set__(self, instance: Any, value: Any) -> None:
            mark = marks(instance)
            if mark is None:
                take(self, instance, value)
                return
            state = instance.__dict__[InstanceKey]
            if (value is None or isinstance(value, str)) and mark.memory.reading.is_withheld(state, self.key, value):
                return  # what reads as withheld is not written back
            take(self, instance, value)
            mark.memory.marking.assigned(state, self.key, mark)

    return _named_like(Guarded, plain)


def _guarded_composite(plain: Any) -> type[Any]:
    give = plain.__get__

    class Guarded(plain):  # type: ignore[misc]
        __slots__ = ()
        sa_privacy_guards = True
        inherit_cache = True

        def __get__(self, instance: Any, owner: Any) -> Any:
            if instance is not None and marks(instance) is not None:
                for part in self.property.props:  # a composite keeps its object: ask its parts each time
                    getattr(instance, part.key)
            return give(self, instance, owner)

    return _named_like(Guarded, plain)


def _named_like(guarded: type[Any], plain: type[Any]) -> type[Any]:
    guarded.__name__ = plain.__name__
    guarded.__qualname__ = plain.__qualname__
    return guarded


def watch_copies(class_: type[Any]) -> None:
    """Lets copies and unpickled objects of a mapped class be looked at as they are made: they get values unasked."""
    set_state = getattr(class_, "__setstate__", None)
    if not is_replaced(set_state):
        replace(class_, "__setstate__", _setting(class_, set_state))
    for name in _COPYING:
        method = getattr(class_, name, None)
        if method is not None and not is_replaced(method):
            replace(class_, name, _copying(method))


def unwatch_copies(class_: type[Any]) -> None:
    """Puts the class's own methods back."""
    for name in ("__setstate__", *_COPYING):
        put_back(class_, name)


def _setting(class_: type[Any], plain: Callable[..., None] | None) -> Callable[[Any, Any], None]:
    def set_state(self: Any, state: Any) -> None:
        if plain is not None:
            plain(self, state)
        else:
            values, slots = state if isinstance(state, tuple) else (state, None)
            self.__dict__.update(values or {})
            for name, value in (slots or {}).items():
                setattr(self, name, value)
        _look_at(self)

    set_state.__name__ = "__setstate__"
    set_state.__qualname__ = f"{class_.__qualname__}.__setstate__"
    return set_state


def _copying(plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def copying(*args: Any, **kwargs: Any) -> Any:
        made = plain(*args, **kwargs)
        _look_at(made)
        return made

    return copying


def _look_at(made: Any) -> None:
    mark = marks(made)
    if mark is not None:
        mark.memory.marking.copied(made)
