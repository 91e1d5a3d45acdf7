"""A notice as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sa_privacy.publish.notice.phrases import PHRASES
from sa_privacy.publish.notice.said import Block, Facts, Grid, Notice, Points, Said

__all__ = ["as_markdown"]

_MEANS_SOMETHING = re.compile(r"([\\`*_\[\]|~!])|^([#+-])|^(\d+)([.)])")


def as_markdown(notice: Notice) -> str:
    """The text; tables as GitHub and others write them."""
    return "\n".join(_lines(notice)) + "\n"


def _lines(notice: Notice) -> Iterator[str]:
    phrases = PHRASES[notice.language.partition("-")[0]]
    yield f"# {phrases['title']}"
    yield ""
    if notice.controller is not None:
        yield _escaped(notice.controller.text)
        yield ""
    for section in notice.sections:
        yield f"## {section.title}"
        yield ""
        for block in section.blocks:
            yield from _block(block, phrases["clause"], section.title)
            yield ""
    yield "---"
    yield ""
    yield _escaped(phrases["version"].format(version=notice.version))
    yield ""
    yield _escaped(phrases["foot"].format(policy=notice.policy, hash=notice.hash))


def _block(block: Block, clause: str, title: str) -> Iterator[str]:
    if isinstance(block, Points):
        mark = "" if len(block.points) == 1 else "- "
        yield from (f"{mark}{_escaped(one.text)}" for one in block.points)
    elif isinstance(block, Facts):
        yield from (f"- {_escaped(fact.name)}: {_escaped(fact.value.text)}" for fact in block.facts)
    else:
        yield from _grid(block, clause, title)


def _grid(grid: Grid, clause: str, title: str) -> Iterator[str]:
    if grid.caption != title:
        yield f"### {grid.caption}"
        yield ""
    if grid.lead is not None:
        yield _escaped(grid.lead.text)
        yield ""
    yield _row(map(_escaped, grid.heads))
    yield _row("---" for _ in grid.heads)
    for row in grid.rows:
        where = "" if row.clause is None else f"<br>{_escaped(clause.format(clause=row.clause))}"
        yield _row((_escaped(row.title.text) + where, *map(_cell, row.cells)))


def _row(cells: Iterator[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(said: tuple[Said, ...]) -> str:
    return "<br>".join(_escaped(one.text) for one in said)


def _escaped(text: str) -> str:
    """Text that means nothing but itself."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MEANS_SOMETHING.sub(lambda found: f"{found[3] or ''}\\{found[1] or found[2] or found[4]}", safe)
