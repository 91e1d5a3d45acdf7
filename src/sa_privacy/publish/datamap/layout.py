"""Where everything stands on a data map. Pure arithmetic: the same graph, the same places."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sa_privacy.publish.datamap.graph import Graph, Holding, Lane, Link, Node
from sa_privacy.publish.datamap.widths import shortened, wrapped

__all__ = ["Box", "Card", "Layout", "Line", "lay_out"]

MARGIN: Final = 40.0
TOP: Final = 132.0
CARD: Final = 228.0
CARD_GAP: Final = 16.0
HEAD: Final = 32.0
ROW: Final = 24.0
LANES: Final[Mapping[Lane, float]] = {"category": 210.0, "purpose": 250.0, "actor": 214.0, "recipient": 226.0}
GAP: Final = 112.0
BETWEEN: Final = 14.0
TALLEST: Final = 1180.0
"""Of tables one under the other; more of them stand in several columns."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node, placed, with its title broken into lines."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Card:
    """A table, placed; each row of it with its columns as one line of text."""

    table: str
    title: str
    x: float
    y: float
    height: float
    rows: tuple[tuple[Holding, str], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A flow, placed: from the right side of one thing to the left side of another.

    :param source: the name of a node, or ``"table:<table>:<category>"``; None where many tables are meant.
    """

    source: str | None
    target: str
    categories: frozenset[int]
    kind: str
    x1: float
    y1: float
    x2: float
    y2: float
    weight: float = 1.6


@dataclass(frozen=True, slots=True)
class Layout:
    """All places.

    :param heads: the lanes, with the x of each.
    :param frame: the frame around the tables, where they stand in several columns: x, y, width, height.
    """

    width: float
    height: float
    heads: tuple[tuple[str, float], ...]
    cards: tuple[Card, ...]
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    frame: tuple[float, float, float, float] | None


def lay_out(graph: Graph) -> Layout:
    """Places tables on the left, then lane after lane."""
    ordered = _ordered(graph)
    tables = _tables_ordered(graph, ordered["category"])
    heights = [HEAD + ROW * len(holdings) + 6 for _, holdings in tables]
    natural = {lane: [_size(node, LANES[lane]) for node in nodes] for lane, nodes in ordered.items()}
    tallest = max((sum(size[0] + BETWEEN for size in sizes) for sizes in natural.values()), default=BETWEEN) - BETWEEN
    single = sum(heights) + CARD_GAP * (len(heights) - 1) <= max(TALLEST, tallest * 1.25)
    cards, right = _cards(tables, heights, 1 if single else _columns(heights, tallest))
    height = max(tallest, *(card.y + card.height - TOP for card in cards)) if cards else tallest
    frame = None
    if not single:
        frame = (MARGIN - 16, TOP - 16, right - MARGIN + 32, height + 32)
        right += 16

    heads: list[tuple[str, float]] = [("table", MARGIN)] if cards else []
    boxes: dict[str, Box] = {}
    middles: dict[str, float] = {
        f"table:{card.table}:{holding.category}": card.y + HEAD + ROW * (at + 0.5)
        for card in cards
        for at, (holding, _) in enumerate(card.rows)
    }
    links = [*(_held(cards, ordered["category"]) if single else []), *graph.links]
    x = right + GAP if cards else MARGIN
    for lane, nodes in ordered.items():
        if not nodes:
            continue
        wanted = [_wanted(node, links, middles) for node in nodes]
        sizes = natural[lane]
        for node, size, y in zip(nodes, sizes, _spread([s[0] for s in sizes], wanted, height), strict=True):
            high, title, note = size
            boxes[node.name] = Box(node, x, TOP + y, LANES[lane], high, title, note)
            middles[node.name] = TOP + y + high / 2
        heads.append((lane, x))
        x += LANES[lane] + GAP
    lines = _lines(links, boxes, cards, middles)
    if frame is not None:
        lines += _stubs(cards, boxes, frame[0] + frame[2])
    total = TOP + height + 96
    return Layout(x - GAP + MARGIN, total, tuple(heads), cards, tuple(boxes.values()), tuple(lines), frame)


def _ordered(graph: Graph) -> dict[Lane, tuple[Node, ...]]:
    """Purposes stand as the policy has them; every other lane so that few lines cross."""
    purposes = graph.lane("purpose")
    actors = _beside(graph.lane("actor"), purposes, graph.links)
    return {
        "category": _beside(graph.lane("category"), purposes, graph.links),
        "purpose": purposes,
        "actor": actors,
        "recipient": _beside(graph.lane("recipient"), actors, graph.links),
    }


def _beside(nodes: Sequence[Node], others: Sequence[Node], links: Sequence[Link]) -> tuple[Node, ...]:
    """Nodes in the order of the middles of what they are linked to; those that are linked to nothing last."""
    place = {node.name: at for at, node in enumerate(others)}
    linked: dict[str, list[int]] = {}
    for link in links:
        for one, other in ((link.source, link.target), (link.target, link.source)):
            if other in place:
                linked.setdefault(one, []).append(place[other])
    means = {name: sum(found) / len(found) for name, found in linked.items()}
    return tuple(sorted(nodes, key=lambda node: means.get(node.name, len(place))))


def _tables_ordered(graph: Graph, categories: Sequence[Node]) -> list[tuple[str, tuple[Holding, ...]]]:
    at = {min(node.categories): place for place, node in enumerate(categories)}
    tables = [(name, tuple(sorted(rows, key=lambda row: at[row.category]))) for name, rows in graph.tables]
    return sorted(tables, key=lambda one: sum(at[row.category] for row in one[1]) / len(one[1]))


def _columns(heights: Sequence[float], tallest: float) -> int:
    """In how many columns the tables stand: as high as the tallest lane, or about as high as they are wide."""
    total = sum(heights) + CARD_GAP * len(heights)
    return max(2, round(total / max(tallest, math.sqrt(total * (CARD + CARD_GAP)))))


def _cards(
    tables: Sequence[tuple[str, tuple[Holding, ...]]], heights: Sequence[float], columns: int
) -> tuple[tuple[Card, ...], float]:
    """Tables, each in the column that is lowest so far. And where they end on the right."""
    bottoms = [TOP] * columns
    cards = []
    for (table, rows), height in zip(tables, heights, strict=True):
        column = bottoms.index(min(bottoms))
        x = MARGIN + column * (CARD + CARD_GAP)
        texts = tuple((row, shortened(", ".join(row.columns), CARD - 66, 12)) for row in rows)
        cards.append(Card(table, shortened(table, CARD - 28, 13, bold=True), x, bottoms[column], height, texts))
        bottoms[column] += height + CARD_GAP
    used = min(columns, len(tables))
    return tuple(cards), MARGIN + used * CARD + max(0, used - 1) * CARD_GAP


def _size(node: Node, room: float) -> tuple[float, tuple[str, ...], str]:
    """The height of a box, the lines of its title, its note."""
    inner = room - (56 if node.lane == "category" else 28)
    lines = wrapped(node.title, inner, 13, 2, bold=True)
    note = shortened(node.note, inner, 11)
    return 17.0 * len(lines) + (15 if note else 0) + 17, lines, note


def _held(cards: Sequence[Card], categories: Sequence[Node]) -> list[Link]:
    name = {min(node.categories): node.name for node in categories}
    return [
        Link(f"table:{card.table}:{row.category}", name[row.category], frozenset((row.category,)), "use")
        for card in cards
        for row, _ in card.rows
    ]


def _wanted(node: Node, links: Sequence[Link], middles: Mapping[str, float]) -> float | None:
    """The height at which the lines to a box would be straightest."""
    found = [middles[link.source] for link in links if link.target == node.name and link.source in middles]
    return sum(found) / len(found) - TOP if found else None


def _spread(heights: Sequence[float], wanted: Sequence[float | None], room: float) -> list[float]:
    """The tops of boxes one under the other, without overlap, each as near to its wanted middle as the others allow.

    Least squares over all of them (pool adjacent violators), within the room there is.
    """
    offsets, total = [], 0.0
    for height in heights:
        offsets.append(total)
        total += height + BETWEEN
    slack = max(0.0, room - (total - BETWEEN))
    known = [
        (at - height / 2 - offset) if at is not None else None
        for at, height, offset in zip(wanted, heights, offsets, strict=True)
    ]
    even = slack / max(1, len(heights) - 1) if len(heights) > 1 else slack / 2
    # Half where the lines want it, half evenly spread: straight lines, and no crowd beside an empty space.
    aims = [even * at if one is None else (min(max(one, 0.0), slack) + even * at) / 2 for at, one in enumerate(known)]
    blocks: list[tuple[float, int]] = []
    for aim in aims:
        block = (aim, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, count = blocks.pop()
            block = ((mean * count + block[0] * block[1]) / (count + block[1]), count + block[1])
        blocks.append(block)
    shifts = [mean for mean, count in blocks for _ in range(count)]
    return [round(offset + min(max(shift, 0.0), slack), 1) for offset, shift in zip(offsets, shifts, strict=True)]


def _lines(
    links: Sequence[Link], boxes: Mapping[str, Box], cards: Sequence[Card], middles: Mapping[str, float]
) -> list[Line]:
    """The lines; at each side of a box they stand apart, in the order of their other ends."""
    right_of = {f"table:{card.table}:{row.category}": card.x + CARD for card in cards for row, _ in card.rows}
    leaving: dict[str, list[int]] = {}
    arriving: dict[str, list[int]] = {}
    for at, link in enumerate(links):
        leaving.setdefault(link.source, []).append(at)
        arriving.setdefault(link.target, []).append(at)
    start: dict[int, float] = {}
    end: dict[int, float] = {}
    for name, found in leaving.items():
        found.sort(key=lambda at: (middles[links[at].target], at))
        start |= dict(zip(found, _ports(boxes.get(name), len(found), middles[name]), strict=True))
    for name, found in arriving.items():
        found.sort(key=lambda at: (middles[links[at].source], at))
        end |= dict(zip(found, _ports(boxes.get(name), len(found), middles[name]), strict=True))
    lines = []
    for at, link in enumerate(links):
        source = boxes.get(link.source)
        x1 = source.x + source.width if source is not None else right_of[link.source]
        x2 = boxes[link.target].x
        lines.append(Line(link.source, link.target, link.categories, link.kind, x1, start[at], x2, end[at]))
    return lines


def _ports(box: Box | None, count: int, middle: float) -> list[float]:
    if box is None or count == 1:
        return [middle] * count
    room = min(box.height - 18, 7.0 * (count - 1))
    return [round(middle - room / 2 + room * at / (count - 1), 1) for at in range(count)]


def _stubs(cards: Sequence[Card], boxes: Mapping[str, Box], x: float) -> list[Line]:
    """From the frame around many tables: one line for each category, the heavier the more columns hold it."""
    lines = []
    for name, box in boxes.items():
        if box.node.lane != "category":
            continue
        place = min(box.node.categories)
        held = sum(len(row.columns) for card in cards for row, _ in card.rows if row.category == place)
        if held:
            y = box.y + box.height / 2
            lines.append(Line(None, name, frozenset((place,)), "use", x, y, box.x, y, 1.6 + min(held, 60) ** 0.5))
    return lines
