"""A data map as a page: the drawing, whose threads light up where one points, and the same as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sa_privacy.publish.datamap.graph import Graph
from sa_privacy.publish.datamap.words import WORDS
from sa_privacy.publish.pages import template

__all__ = ["as_page"]


def as_page(graph: Graph, svg: str, language: str, title: str, policy_hash: str) -> str:
    """The page.

    :param svg: the drawing, as it stands in a file of its own.
    :raises PolicyError: Jinja2 is not installed.
    """
    page = template("sa_privacy.publish.datamap", "map.html")
    from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2

    rendered: str = page.render(
        language=language,
        words=WORDS[language.partition("-")[0]],
        title=title,
        hash=policy_hash,
        svg=Markup(svg),  # noqa: S704 - made here, and escaped there
        rows=list(_rows(graph)),
    )
    return rendered


def _rows(graph: Graph) -> Iterator[dict[str, Any]]:
    """For each category, what the map shows of it."""
    for node in graph.lane("category"):
        (place,) = node.categories
        columns = [
            f"{table}.{column}"
            for table, holdings in graph.tables
            for holding in holdings
            if holding.category == place
            for column in holding.columns
        ]
        through = {end for link in graph.links if place in link.categories for end in (link.source, link.target)}
        others = [
            [one.title for one in graph.nodes if one.lane == lane and one.name in through]
            for lane in ("purpose", "actor", "recipient")
        ]
        yield {"title": node.title, "cells": [columns, *others]}
