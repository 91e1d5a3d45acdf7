"""A notice as a page: one HTML document with nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from sa_privacy.publish.notice.phrases import PHRASES
from sa_privacy.publish.notice.said import Facts, Grid, Notice, Points
from sa_privacy.publish.pages import template

__all__ = ["as_page"]

#: What languages call themselves.
_NAMES = {"en": "English", "ja": "日本語"}


def as_page(notice: Notice, others: Sequence[str] = ()) -> str:
    """The page.

    :param others: the languages that stand beside it, as ``notice.<language>.html``.
    :raises PolicyError: Jinja2 is not installed.
    """
    rendered: str = template("sa_privacy.publish.notice", "notice.html").render(
        notice=notice,
        phrases=PHRASES[notice.language.partition("-")[0]],
        others=[(tag, _NAMES[tag.partition("-")[0]]) for tag in others if tag != notice.language],
        kind=lambda block: {Points: "points", Facts: "facts", Grid: "grid"}[type(block)],
    )
    return rendered
