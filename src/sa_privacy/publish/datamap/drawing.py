"""Draws a data map as SVG: colours that colour-blind people tell apart, and a number beside each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Final

from sa_privacy.publish.datamap.graph import Holding
from sa_privacy.publish.datamap.layout import CARD, HEAD, MARGIN, ROW, Box, Card, Layout, Line
from sa_privacy.publish.datamap.widths import width

__all__ = ["COLOURS", "draw"]

COLOURS: Final = (*("#332288", "#CC6677", "#117733", "#88CCEE", "#DDCC77", "#882255", "#44AA99", "#999933", "#AA4499"),)
"""Paul Tol's "muted" scheme (https://personal.sron.nl/~pault/), which also reads in greyscale. Numbers tell apart what is more."""

_STYLE: Final = """
svg.map { font-family: Arial, "Helvetica Neue", Helvetica, "Liberation Sans", "Noto Sans JP", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", Meiryo, sans-serif; background: #f7f9fb; }
.map text { fill: #1b1f24; font-size: 13px; }
.map .ground { fill: #f7f9fb; }
.map .big { font-size: 24px; font-weight: 700; }
.map .soft, .map .note, .map .head { fill: #56616d; }
.map .note { font-size: 11px; }
.map .head { font-size: 12px; font-weight: 700; letter-spacing: .06em; }
.map .b { font-weight: 700; }
.map .cell { font-size: 12px; }
.map .badge { font-size: 11px; font-weight: 700; }
.map .frame { fill: #eef2f5; stroke: #d3dae1; }
.map .box { fill: #fff; stroke: #c9d1d9; }
.map .rule { stroke: #e3e8ed; }
.map .lock { fill: none; stroke: #56616d; stroke-width: 1.3; }
.map .lock .body { fill: #56616d; }
.map .part.lock .body { fill: none; }
.map .e { fill: none; stroke-opacity: .75; }
.map .grey { stroke: #8b97a3; }
.map .processor { stroke-width: 2.6px; }
.map .emergency { stroke-dasharray: 2 5; stroke-linecap: round; }
.map .third_party, .map .third_party_abroad { stroke-dasharray: 9 4; }
.map .authority { stroke-dasharray: 9 4 2 4; }
.map .n { outline: none; }
.map .n:focus-visible > .box { stroke: #0b5c8a; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  svg.map { background: #14181c; }
  .map text { fill: #e6e9ed; }
  .map .ground { fill: #14181c; }
  .map .soft, .map .note, .map .head { fill: #a3adb8; }
  .map .frame { fill: #191f25; stroke: #2c343c; }
  .map .box { fill: #20272e; stroke: #3d4751; }
  .map .rule { stroke: #333c45; }
  .map .lock { stroke: #a3adb8; }
  .map .lock .body { fill: #a3adb8; }
  .map .e { stroke-opacity: .8; }
  .map .c0 { stroke: #8d80e0; } .map .c5 { stroke: #c9548e; } .map .c2 { stroke: #3da35d; }
  .map .grey { stroke: #7d8996; }
  .map .n:focus-visible > .box { stroke: #7cc4ee; }
}
@media (prefers-reduced-motion: no-preference) { .map .e, .map .n { transition: opacity .12s; } }
.map.lit .n:not(.on), .map.lit .e:not(.on, .key), .map.lit .n.on .row:not(.on) { opacity: .16; }
.map.lit .e.on { stroke-opacity: .95; }
"""


def draw(layout: Layout, words: Mapping[str, str], title: str, desc: str, foot: str) -> str:
    """The drawing, as a document of its own.

    :param title: what it is the map of.
    :param desc: what is on it, for who does not see it.
    """
    return "\n".join(_parts(layout, words, title, desc, foot)) + "\n"


def _parts(layout: Layout, words: Mapping[str, str], title: str, desc: str, foot: str) -> Iterator[str]:
    wide, high = _n(layout.width), _n(layout.height)
    ids = {box.node.name: f"n{at}" for at, box in enumerate(layout.boxes)}
    ids |= {
        f"table:{card.table}:{row.category}": f"t{at}-{row.category}"
        for at, card in enumerate(layout.cards)
        for row, _ in card.rows
    }
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="map" role="group" aria-labelledby="map-title map-desc" '
        f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">'
    )
    yield f'<title id="map-title">{_text(title)}</title>'
    yield f'<desc id="map-desc">{_text(desc)}</desc>'
    yield f"<style>{_STYLE}</style>"
    yield f'<rect class="ground" width="{wide}" height="{high}"/>'
    yield f'<text class="big" x="{_n(MARGIN)}" y="58">{_text(title)}</text>'
    for lane, x in layout.heads:
        yield f'<text class="head" x="{_n(x)}" y="100">{_text(words[lane])}</text>'
    if layout.frame is not None:
        left, top, across, down = map(_n, layout.frame)
        yield f'<rect class="frame" x="{left}" y="{top}" width="{across}" height="{down}" rx="12"/>'
    yield "<g>"
    yield from (_line(line, ids) for line in layout.lines)
    yield "</g>"
    for at, card in enumerate(layout.cards):
        yield from _card(card, at, words)
    for box in layout.boxes:
        yield from _box(box, ids[box.node.name], words)
    yield from _legend(layout, words, foot)
    yield "</svg>"


def _line(line: Line, ids: Mapping[str, str]) -> str:
    bend = (line.x2 - line.x1) * 0.5
    way = (
        f"M{_n(line.x1)} {_n(line.y1)}C{_n(line.x1 + bend)} {_n(line.y1)} "
        f"{_n(line.x2 - bend)} {_n(line.y2)} {_n(line.x2)} {_n(line.y2)}"
    )
    categories = " ".join(map(str, sorted(line.categories)))
    if line.kind == "use":
        colour = min(line.categories) % len(COLOURS)
        look = f'class="e c{colour}" stroke="{COLOURS[colour]}"'
    else:
        look = f'class="e grey {line.kind}"'
    source = "" if line.source is None else f' data-a="{ids[line.source]}"'
    return (
        f'<path {look} stroke-width="{_n(line.weight)}" d="{way}"{source} data-b="{ids[line.target]}" '
        f'data-c="{categories}"/>'
    )


def _card(card: Card, at: int, words: Mapping[str, str]) -> Iterator[str]:
    categories = " ".join(str(row.category) for row, _ in card.rows)
    columns = ", ".join(column for row, _ in card.rows for column in row.columns)
    yield f'<g class="n t" id="t{at}" role="img" tabindex="0" data-c="{categories}">'
    yield f"<title>{_text(f'{card.table}: {columns}')}</title>"
    yield f'<rect class="box" x="{_n(card.x)}" y="{_n(card.y)}" width="{_n(CARD)}" height="{_n(card.height)}" rx="8"/>'
    yield f'<text class="b" x="{_n(card.x + 14)}" y="{_n(card.y + 21)}">{_text(card.title)}</text>'
    y = card.y + HEAD
    yield f'<path class="rule" d="M{_n(card.x)} {_n(y)}h{_n(CARD)}"/>'
    for row, text in card.rows:
        sealed = words[f"sealed_{row.sealed}"]
        yield f'<g class="row" id="t{at}-{row.category}" data-c="{row.category}">'
        yield f"<title>{_text(', '.join(row.columns))} ({_text(sealed)})</title>"
        yield f'<rect x="{_n(card.x)}" y="{_n(y)}" width="{_n(CARD)}" height="{_n(ROW)}" fill="none" pointer-events="all"/>'
        yield _badge(row.category, card.x + 12, y + 4)
        yield f'<text class="cell" x="{_n(card.x + 40)}" y="{_n(y + 16.5)}">{_text(text)}</text>'
        yield from _lock(row, card.x + CARD - 20, y + 5.5)
        yield "</g>"
        y += ROW
    yield "</g>"


def _lock(row: Holding, x: float, y: float) -> Iterator[str]:
    if row.sealed != "none":
        yield (
            f'<g class="lock{" part" if row.sealed == "some" else ""}" transform="translate({_n(x)} {_n(y)})">'
            '<path d="M2 6V3.6a2.6 2.6 0 0 1 5.2 0V6"/><rect class="body" x=".5" y="6" width="8.2" height="6.4" rx="1.4"/></g>'
        )


def _badge(place: int, x: float, y: float) -> str:
    colour = COLOURS[place % len(COLOURS)]
    number = str(place + 1)
    ink = "#fff" if _luminance(colour) < 0.36 else "#1b1f24"
    middle = x + 10 - width(number, 11, bold=True) / 2
    return (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="20" height="16" rx="4" fill="{colour}"/>'
        f'<text class="badge" x="{_n(middle)}" y="{_n(y + 12)}" style="fill: {ink}">{number}</text>'
    )


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _box(box: Box, name: str, words: Mapping[str, str]) -> Iterator[str]:
    node = box.node
    categories = " ".join(map(str, sorted(node.categories)))
    note = f" ({node.note})" if node.note else ""
    yield f'<g class="n {node.lane}" id="{name}" role="img" tabindex="0" data-c="{categories}">'
    yield f"<title>{_text(f'{words[node.lane]}: {node.title}{note}')}</title>"
    yield f'<rect class="box" x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="8"/>'
    x = box.x + 14
    if node.lane == "category":
        place = min(node.categories)
        colour = COLOURS[place % len(COLOURS)]
        yield _badge(place, box.x + 12, box.y + 9)
        yield f'<rect x="{_n(box.x + box.width - 5)}" y="{_n(box.y + 8)}" width="5" height="{_n(box.height - 16)}" fill="{colour}"/>'
        x = box.x + 40
    y = box.y + 21.5
    for line in box.lines:
        yield f'<text class="b" x="{_n(x)}" y="{_n(y)}">{_text(line)}</text>'
        y += 17
    if box.note:
        yield f'<text class="note" x="{_n(x)}" y="{_n(y - 1)}">{_text(box.note)}</text>'
    yield "</g>"


def _legend(layout: Layout, words: Mapping[str, str], foot: str) -> Iterator[str]:
    """What the lines and locks mean, of those that are there; and what the map was made from."""
    y = layout.height - 44
    x = MARGIN
    sealed = {row.sealed for card in layout.cards for row, _ in card.rows}
    for how in ("all", "some"):
        if how in sealed:
            yield from _lock(Holding(0, (), how), x, y - 11)
            yield f'<text class="note" x="{_n(x + 16)}" y="{_n(y)}">{_text(words[f"sealed_{how}"])}</text>'
            x += 16 + width(words[f"sealed_{how}"], 11) + 28
    kinds = {"third_party" if line.kind == "third_party_abroad" else line.kind for line in layout.lines}
    for kind in ("act", "emergency", "processor", "third_party", "authority"):
        if kind in kinds:
            label = words[f"line_{kind}"]
            yield f'<path class="e key grey {kind}" stroke-width="2" d="M{_n(x)} {_n(y - 4)}h34"/>'
            yield f'<text class="note" x="{_n(x + 42)}" y="{_n(y)}">{_text(label)}</text>'
            x += 42 + width(label, 11) + 28
    yield f'<text class="note" x="{_n(MARGIN)}" y="{_n(layout.height - 20)}">{_text(foot)}</text>'


def _text(text: str) -> str:
    return escape(text, quote=False)


def _n(number: float) -> str:
    """A number as short as it can be."""
    return f"{number:.1f}".removesuffix(".0")
