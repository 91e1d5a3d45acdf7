"""The data map: nothing overlaps or runs over, few tables or many, and its threads claim no flow that there is not."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table

from sa_privacy.columns import Encrypted
from sa_privacy.columns.build import build_catalogue
from sa_privacy.policy import Policy
from sa_privacy.policy.writing import as_sections
from sa_privacy.publish.datamap import draw_map
from sa_privacy.publish.datamap.graph import Graph, make_graph
from sa_privacy.publish.datamap.layout import CARD, LANES, Layout, lay_out
from sa_privacy.publish.datamap.widths import shortened, width, wrapped
from tests.publish.shop import POLICY, catalogue

SHOP = make_graph(POLICY, catalogue(), "en")


def _many(tables: int) -> Graph:
    """The shop's policy over many tables."""
    drawn, metadata = random.Random(tables), MetaData()
    for at in range(tables):
        chosen = drawn.sample(sorted(POLICY.categories), drawn.randint(1, 6))
        columns: list[Column[Any]] = [
            Column(f"{name}_{n}", Encrypted(String(), category=name)) for name in chosen for n in range(at % 3 + 1)
        ]
        Table(f"table_{at}_{'x' * (at % 40)}", metadata, Column("id", Integer, primary_key=True), *columns)
    return make_graph(POLICY, build_catalogue(POLICY, [metadata]), "ja")


def _areas(layout: Layout) -> list[tuple[float, float, float, float]]:
    cards = [(card.x, card.y, card.x + CARD, card.y + card.height) for card in layout.cards]
    return cards + [(box.x, box.y, box.x + box.width, box.y + box.height) for box in layout.boxes]


@pytest.mark.parametrize("tables", [0, 1, 10, 25, 100])
def test_nothing_overlaps_and_all_is_on_the_sheet(tables: int) -> None:
    layout = lay_out(_many(tables))
    assert len(layout.cards) == tables
    areas = _areas(layout)
    for (x1, y1, x2, y2), (a1, b1, a2, b2) in itertools.combinations(areas, 2):
        assert x2 + 4 <= a1 or a2 + 4 <= x1 or y2 + 4 <= b1 or b2 + 4 <= y1
    assert all(x1 > 0 and y1 > 100 and x2 < layout.width and y2 < layout.height - 50 for x1, y1, x2, y2 in areas)
    assert layout.width <= 2.5 * layout.height
    assert {box.x for box in layout.boxes} == {x for lane, x in layout.heads if lane != "table"}


@pytest.mark.parametrize("tables", [10, 100])
def test_text_stays_in_its_box_and_lines_end_at_boxes(tables: int) -> None:
    layout = lay_out(_many(tables))
    for box in layout.boxes:
        room = LANES[box.node.lane] - (40 if box.node.lane == "category" else 14)
        assert all(width(line, 13, bold=True) <= room for line in box.lines)
        assert width(box.note, 11) <= room
    for card in layout.cards:
        assert width(card.title, 13, bold=True) <= CARD - 14
        assert all(width(text, 12) <= CARD - 60 for _, text in card.rows)
    boxes = {box.node.name: box for box in layout.boxes}
    for line in layout.lines:
        target = boxes[line.target]
        assert line.x2 == target.x
        assert line.x1 < line.x2
        assert target.y <= line.y2 <= target.y + target.height


def test_the_same_map_has_the_same_bytes_and_says_what_it_was_made_from() -> None:
    drawn = draw_map(POLICY, catalogue(), "ja")
    assert draw_map(Policy(**as_sections(POLICY)), catalogue(), "ja") == drawn
    assert POLICY.hash in drawn
    assert 'aria-labelledby="map-title map-desc"' in drawn


def test_every_column_is_on_it_and_every_line_is_a_rule_of_the_policy() -> None:
    shown = {f"{table}.{column}" for table, held in SHOP.tables for one in held for column in one.columns}
    assert shown == set(catalogue().columns)
    links = {(link.source, link.target, link.kind) for link in SHOP.links}
    assert ("category:email", "purpose:sign_in", "use") in links
    assert ("category:phone", "purpose:campaigns", "use") not in links
    assert ("purpose:shipping", "role:support", "emergency") in links
    assert ("role:warehouse", "recipient:delivery_company", "processor") in links
    assert not [link for link in SHOP.links if "role:engineer" in (link.source, link.target)]


def test_data_that_no_purpose_of_a_role_opens_comes_to_it_for_the_giving_alone() -> None:
    names = list(POLICY.categories)
    through = {link.target: {names[at] for at in link.categories} for link in SHOP.links if link.source == "giving"}
    given = [one for one in POLICY.recipients.values() if one.name in POLICY.roles["privacy_officer"].disclose]
    assert through == {"role:privacy_officer": set().union(*(one.categories for one in given))}
    (delivery,) = (link for link in SHOP.links if link.target == "recipient:delivery_company")
    assert {names[at] for at in delivery.categories} == {"name", "address", "phone"}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Short", ("Short",)),
        ("Sending the goods and asking for payment", ("Sending the goods and", "asking for payment")),
        ("ご注文の商品の種類と数量", ("ご注文の商品", "の種類と数量")),
        ("キャンペーンや商品・サービス", ("キャンペーンや", "商品・サービス")),
    ],
)
def test_titles_are_broken_where_they_may_be_and_evenly(text: str, lines: tuple[str, ...]) -> None:
    assert wrapped(text, 150, 13, 2, bold=True) == lines


def test_what_is_too_long_is_shortened() -> None:
    assert wrapped("a" * 99, 100, 13, 2)[-1].endswith("…")
    assert wrapped("長" * 99, 100, 13, 2)[-1].endswith("…")
    assert width(shortened("長い文字列です", 50, 13), 13) <= 50
    assert wrapped("", 100, 13, 2) == ("",)
