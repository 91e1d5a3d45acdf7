"""A person's file as a page: one HTML document, readable, printable, with nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sa_privacy.customers.file.words import WORDS
from sa_privacy.customers.requests.articles import REFUSALS
from sa_privacy.errors import PolicyError

__all__ = ["page"]


def page(content: Mapping[str, Any], language: str) -> str:
    """The page.

    :param content: of a :class:`~sa_privacy.customers.file.PersonFile`.
    :param language: ``"en"`` or ``"ja"``; a regional tag means its language, another one English.
    :raises PolicyError: Jinja2 is not installed.
    """
    language = language if language in WORDS else language.partition("-")[0]
    language = language if language in WORDS else "en"
    words = WORDS[language]
    titles = {one["name"]: _said(one["title"], language) for one in content["categories"]}
    refused = content["not_disclosed"]
    labels = {
        column: f"{_said(one['title'], language)} ({column})"
        for one in content["categories"]
        for column in one["columns"]
    }
    rendered: str = _template().render(
        file=content,
        language=language,
        words=words,
        titles=titles,
        label=lambda column: labels.get(column, column),
        moment=_moment,
        said=lambda text: _said(text, language),
        shown=_shown,
        article="" if refused is None else REFUSALS[refused["article"]].title(language) if refused["article"] else "",
    )
    return rendered


def _said(text: Any, language: str) -> str:
    """What words are in a language; in another where there are none in it."""
    if isinstance(text, Mapping):
        return str(text.get(language) or text.get("en") or next(iter(text.values()), ""))
    return "" if text is None else str(text)


def _moment(text: str) -> str:
    return text[:16].replace("T", " ") + " UTC"


def _shown(value: Any) -> str:
    """A value of an entry of a ledger as a line."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_shown(one)}" for name, one in value.items())
    return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)


@cache
def _template() -> Any:
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - for who wants a page
    except ImportError:
        raise PolicyError(
            "a page needs Jinja2, which is not installed.",
            hint="pip install sa-privacy[publish]; or hand over .json().",
        ) from None
    environment = Environment(
        loader=PackageLoader("sa_privacy.customers.file"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("file.html")
