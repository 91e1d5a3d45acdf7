"""Denials, expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sa_privacy.errors import AccessDenied

__all__ = ["Refused", "assert_denied", "denied"]


class Refused:
    """What :func:`denied` caught: ``.error``, once the block is left."""

    error: AccessDenied


@contextmanager
def denied(*columns: str, kind: type[AccessDenied] = AccessDenied) -> Iterator[Refused]:
    """Fails unless the block is denied.

    :param columns: all that the denial has to name, as ``"table.column"``; none: whatever it names.
    :param kind: the kind of denial.
    """
    caught = Refused()
    try:
        yield caught
    except AccessDenied as error:
        caught.error = error
    else:
        raise AssertionError("nothing was denied")
    if not isinstance(caught.error, kind):
        raise AssertionError(f"{kind.__name__} was expected, and this came: {caught.error}") from caught.error  # noqa: TRY004
    if columns and set(columns) != set(caught.error.columns):
        raise AssertionError(f"expected of {sorted(columns)}, and this came: {caught.error}") from caught.error


def assert_denied(response: Any, code: str | None = None) -> None:
    """Fails unless a response of a test client, of whatever framework, is a denial.

    :param code: that of the error, e.g. ``"SP-201"``; None: any.
    """
    said = f"{response.status_code}: {response.text}"
    assert response.status_code in {401, 403}, said  # noqa: S101 - an assertion is what it is for
    assert response.headers["content-type"] == "application/problem+json", said  # noqa: S101
    found = json.loads(response.text)["code"]
    assert code in {None, found}, said  # noqa: S101
