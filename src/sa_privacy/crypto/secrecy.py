"""Objects that hold keys: they show nothing of themselves and do not leave the process."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["Unportable"]


class Unportable:
    """Base of objects that hold keys. Pickling and copying raise TypeError, as a copy of a key is one more to lose."""

    __slots__ = ()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} holds keys: it cannot be pickled or copied. Load it where it is needed."
        )

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(None)
