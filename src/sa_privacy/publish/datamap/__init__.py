"""The data map: tables, categories, purposes, who acts, recipients, and what flows between them.

``graph`` is what there is to see, ``layout`` where it stands (with ``widths`` for the text), ``drawing`` makes the SVG and
``page`` the HTML around it.
"""

from __future__ import annotations

from sa_privacy.columns import Catalogue
from sa_privacy.policy import Policy
from sa_privacy.publish.datamap.drawing import draw
from sa_privacy.publish.datamap.graph import make_graph
from sa_privacy.publish.datamap.layout import lay_out
from sa_privacy.publish.datamap.page import as_page
from sa_privacy.publish.datamap.words import WORDS
from sa_privacy.publish.speaker import Speaker, plain

__all__ = ["draw_map", "map_page"]


def draw_map(policy: Policy, catalogue: Catalogue | None, language: str) -> str:
    """The map as SVG. The same policy and models give the same bytes."""
    return _drawn(policy, catalogue, language)[0]


def map_page(policy: Policy, catalogue: Catalogue | None, language: str) -> str:
    """The map as a page that loads nothing.

    :raises PolicyError: Jinja2 is not installed.
    """
    svg, title = _drawn(policy, catalogue, language)
    return as_page(make_graph(policy, catalogue, language), svg, language, title, policy.hash)


def _drawn(policy: Policy, catalogue: Catalogue | None, language: str) -> tuple[str, str]:
    graph, say = make_graph(policy, catalogue, language), Speaker(policy, language)
    words = WORDS[say.tongue]
    controller = say.words(policy.controller)
    title = f"{words['title']} · {controller}" if controller else words["title"]
    desc = words["desc"].format(
        tables=len(graph.tables),
        categories=len(graph.lane("category")),
        purposes=len(policy.purposes),
        actors=len(graph.lane("actor")),
        recipients=len(graph.lane("recipient")),
    )
    foot = words["foot"].format(policy=plain(policy.id), version=plain(policy.version), hash=policy.hash)
    return draw(lay_out(graph), words, title, desc, foot), title
