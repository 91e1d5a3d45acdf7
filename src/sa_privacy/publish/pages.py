"""Templates of pages."""

from __future__ import annotations

from functools import cache
from typing import Any

from sa_privacy.errors import PolicyError

__all__ = ["template"]


@cache
def template(package: str, name: str) -> Any:
    """A template among those of a package.

    :raises PolicyError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for who wants a page
    except ImportError:
        raise PolicyError(
            "pages need Jinja2, which is not installed.", hint='pip install "sa-privacy[publish]"'
        ) from None
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
