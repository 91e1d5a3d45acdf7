"""Which route is for what, in one place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, Final

from sa_privacy.errors import PolicyError

__all__ = ["Called", "Purpose", "Route", "Routes", "by_route", "names_of"]

#: What a server says of a request: an ASGI scope, or a WSGI environ.
Called = MutableMapping[str, Any]
Purpose = str | Collection[str] | None

#: What a parameter stands for, by its converter, and how loose that is.
_CONVERTERS: Final = {
    "int": (r"[0-9]+", 1),
    "float": (r"[0-9]+(?:\.[0-9]+)?", 1),
    "uuid": (r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}", 1),
    "str": (r"[^/]+", 2),
    "path": (r"(?s:.*)", 3),
}
_END: Final = (9, 0)
_PARAMETER: Final = re.compile(r"\{([a-zA-Z_]\w*)(?::(\w+))?\}")


def names_of(purpose: Purpose) -> tuple[str, ...]:
    """One purpose, several or none, as a tuple."""
    if purpose is None:
        return ()
    return (purpose,) if isinstance(purpose, str) else tuple(purpose)


class Routes:
    """Maps requests to purposes: what :func:`by_route` returns."""

    def __init__(self, purposes: Mapping[str, Purpose]) -> None:
        routes = [Route(written, names_of(purpose)) for written, purpose in purposes.items()]
        self._routes = sorted(routes, key=lambda route: route.rank)

    @property
    def purposes(self) -> tuple[str, ...]:
        """All that are named."""
        return tuple(dict.fromkeys(name for route in self._routes for name in route.purposes))

    def __call__(self, called: Called) -> tuple[str, ...] | None:
        """The purposes of a request; None: no route of these."""
        found = self.find(called)
        return found.purposes if found is not None else None

    def find(self, called: Called) -> Route | None:
        """The route of a request; None: no route of these."""
        method, path = _asked(called)
        for route in self._routes:
            if route.serves(method, path):
                return route
        return None


def by_route(purposes: Mapping[str, Purpose]) -> Routes:
    """Maps routes to purposes, for ``purpose_for=``.

    A route is written ``"GET /orders/{id}"``, ``"GET POST /orders"``, ``"WEBSOCKET /feed"`` or, for every method,
    ``"/orders"``. ``{id}`` stands for one part of the path, ``{id:int}``, ``{id:float}`` and ``{id:uuid}`` for one that is such,
    ``{rest:path}`` for all that follow. Where several match, the one with the most literal beginning counts, in whatever order
    they are written. GET serves HEAD, too. Paths are those of the
    application, without what it is mounted under.

    A request whose route is not here has no purpose: whatever is personal stays shut.

    :param purposes: one purpose of the policy, several, or None, for each route.
    :raises PolicyError: a route cannot be meant.
    """
    return Routes(purposes)


class Route:
    """One route as it was written down, and what it is for."""

    def __init__(self, written: str, purposes: tuple[str, ...]) -> None:
        self.written, self.purposes = written, purposes
        *methods, path = written.split() or [""]
        if not path.startswith("/") or not all(method.isalpha() and method.isupper() for method in methods):
            raise PolicyError(
                f'"{written}" is no route.', hint='write "GET /orders/{id}", or "/orders/{id}" for every method.'
            )
        self._methods = frozenset(methods)
        if "GET" in self._methods:
            self._methods |= {"HEAD"}
        self._path = re.compile(_pattern(path, written))
        #: Routes that are more literal, and say their method, come first.
        self.rank = ((*map(_looseness, path.split("/")), _END), not methods)

    def serves(self, method: str, path: str) -> bool:
        return (not self._methods or method in self._methods) and self._path.fullmatch(path) is not None


def _pattern(path: str, written: str) -> str:
    parts, end = [], 0
    for found in _PARAMETER.finditer(path):
        if (found[2] or "str") not in _CONVERTERS:
            raise PolicyError(f'"{written}" is no route.', hint=f"after the colon: {', '.join(_CONVERTERS)}.")
        parts += [re.escape(path[end : found.start()]), _CONVERTERS[found[2] or "str"][0]]
        end = found.end()
    rest = path[end:]
    if any(brace in part for part in (*_PARAMETER.split(path)[::3], rest) for brace in "{}<>*"):
        raise PolicyError(f'"{written}" is no route.', hint="parameters are written {id}, or {rest:path}.")
    return "".join(parts) + re.escape(rest)


def _looseness(part: str) -> tuple[int, int]:
    """How much a part of a path may be: by its parameters, and the fewer letters stand beside them."""
    loosest = max((_CONVERTERS[found[2] or "str"][1] for found in _PARAMETER.finditer(part)), default=0)
    return loosest, -len(_PARAMETER.sub("", part)) if loosest else 0


def _asked(called: Called) -> tuple[str, str]:
    """Method and path, without what the application is mounted under."""
    if "REQUEST_METHOD" in called:  # PEP 3333: bytes of UTF-8, spelled as latin-1
        path = str(called.get("PATH_INFO", "")).encode("latin-1", "replace").decode("utf-8", "replace")
        return str(called["REQUEST_METHOD"]), path or "/"
    path, mounted = str(called["path"]), str(called.get("root_path", "")).rstrip("/")
    if mounted and (path == mounted or path.startswith(f"{mounted}/")):
        path = path[len(mounted) :]
    return str(called.get("method", "WEBSOCKET")), path or "/"
