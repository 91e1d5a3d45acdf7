"""What a data map shows: tables, categories, purposes, those who act, recipients, and what flows between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from sa_privacy.columns import Catalogue, PersonalColumn
from sa_privacy.policy import Policy, Recipient
from sa_privacy.publish.datamap.words import WORDS
from sa_privacy.publish.facts import personal_columns
from sa_privacy.publish.speaker import Speaker

__all__ = ["Graph", "Holding", "Lane", "Link", "Node", "make_graph"]

Lane = Literal["category", "purpose", "actor", "recipient"]


@dataclass(frozen=True, slots=True)
class Holding:
    """The columns of one table that hold one category.

    :param category: its place among the categories.
    :param sealed: ``"all"`` of them, ``"some"``, or ``"none"``.
    """

    category: int
    columns: tuple[str, ...]
    sealed: str


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the map.

    :param name: unique: ``"purpose:shipping"``.
    :param note: what stands under the title, small.
    :param categories: the places of the categories that go through it.
    """

    name: str
    lane: Lane
    title: str
    note: str = ""
    categories: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """What flows from one box to another.

    :param kind: ``"use"``, ``"act"``, ``"emergency"``, or the kind of the recipient that it leads to.
    """

    source: str
    target: str
    categories: frozenset[int]
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    """All of it.

    :param tables: what each table holds.
    """

    tables: tuple[tuple[str, tuple[Holding, ...]], ...]
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    def lane(self, lane: Lane) -> tuple[Node, ...]:
        """The boxes of one lane."""
        return tuple(node for node in self.nodes if node.lane == lane)


def make_graph(policy: Policy, catalogue: Catalogue | None, language: str) -> Graph:
    """The map of a policy and the models, in one language."""
    return _Maker(policy, Speaker(policy, language)).graph(personal_columns(catalogue))


class _Maker:
    def __init__(self, policy: Policy, say: Speaker) -> None:
        self.policy = policy
        self.say = say
        self.words = WORDS[say.tongue]
        self.place = {name: at for at, name in enumerate(policy.categories)}
        self.opened = {one.name: self.places(one.read | one.match | one.write) for one in policy.purposes.values()}

    def places(self, categories: Iterable[str]) -> frozenset[int]:
        return frozenset(self.place[name] for name in categories)

    def graph(self, columns: tuple[PersonalColumn, ...]) -> Graph:
        links = tuple(self.links())
        nodes = [*self.categories(columns), *self.purposes(links), *self.actors(), *self.recipients()]
        through: dict[str, frozenset[int]] = {}
        for link in links:
            for end in (link.source, link.target):
                through[end] = through.get(end, frozenset()) | link.categories
        return Graph(
            tuple(self.tables(columns)),
            tuple(replace(node, categories=node.categories | through.get(node.name, frozenset())) for node in nodes),
            links,
        )

    def tables(self, columns: tuple[PersonalColumn, ...]) -> Iterator[tuple[str, tuple[Holding, ...]]]:
        held: dict[str, dict[str, list[PersonalColumn]]] = {}
        for one in columns:
            held.setdefault(one.table, {}).setdefault(one.category, []).append(one)
        for table, categories in held.items():
            yield table, tuple(self.holding(category, found) for category, found in categories.items())

    def holding(self, category: str, found: list[PersonalColumn]) -> Holding:
        sealed = sum(one.sealed for one in found)
        how = "all" if sealed == len(found) else "some" if sealed else "none"
        return Holding(self.place[category], tuple(one.column for one in found), how)

    def categories(self, columns: tuple[PersonalColumn, ...]) -> Iterator[Node]:
        for name, at in self.place.items():
            held = [one for one in columns if one.category == name]
            tables = len({one.table for one in held})
            note = self.words["held"].format(columns=len(held), tables=tables) if held else self.words["not_held"]
            yield Node(f"category:{name}", "category", self.say.category(name), note, frozenset((at,)))

    def purposes(self, links: tuple[Link, ...]) -> Iterator[Node]:
        for name, one in self.policy.purposes.items():
            notes = [self.words["clause"].format(clause=one.clause)] if one.clause else []
            notes += [self.words[one.consent]] if one.consent != "none" else []
            notes += [self.words["own"]] if one.rows == "own" else []
            yield Node(f"purpose:{name}", "purpose", self.say.purpose(name), " · ".join(notes))
        if any(link.source == _GIVING for link in links):
            yield Node(_GIVING, "purpose", self.words["giving"], self.words["giving_note"])

    def actors(self) -> Iterator[Node]:
        for name, role in self.policy.roles.items():
            said = (("anonymous", role.anonymous), ("granted", role.granted), ("pledge", role.pledge is not None))
            notes = [self.words[key] for key, holds in (*said, ("maintenance", role.maintenance)) if holds]
            yield Node(f"role:{name}", "actor", self.say.role(name), " · ".join(notes))
        for name, system in self.policy.systems.items():
            yield Node(f"system:{name}", "actor", self.say.words(system.title), self.words["system"])

    def recipients(self) -> Iterator[Node]:
        for name, one in self.policy.recipients.items():
            note = " · ".join(filter(None, (self.words[one.kind], one.country)))
            yield Node(f"recipient:{name}", "recipient", self.say.recipient(name), note, self.places(one.categories))

    def links(self) -> Iterator[Link]:
        """From categories to purposes, on to who acts for them, and to whom these may give data.

        Data that a role gives away and that none of its own purposes opens comes to it for the giving alone.
        """
        for name, opened in self.opened.items():
            for category, at in self.place.items():
                if at in opened:
                    yield Link(f"category:{category}", f"purpose:{name}", frozenset((at,)), "use")
        for name, system in self.policy.systems.items():
            for purpose in self.listed(system.purposes):
                yield Link(f"purpose:{purpose}", f"system:{name}", self.opened[purpose], "act")
        for_giving: set[int] = set()
        for name, role in self.policy.roles.items():
            for purpose in self.listed(role.reachable):
                kind = "act" if purpose in role.purposes else "emergency"
                yield Link(f"purpose:{purpose}", f"role:{name}", self.opened[purpose], kind)
            of_its_own = frozenset[int]().union(*(self.opened[purpose] for purpose in role.purposes))
            given = [one for one in self.policy.recipients.values() if one.name in role.disclose]
            beyond = frozenset[int]().union(*(self.given(one) for one in given)) - of_its_own
            if beyond:
                for_giving |= beyond
                yield Link(_GIVING, f"role:{name}", beyond, "act")
            for one in given:
                yield Link(f"role:{name}", f"recipient:{one.name}", self.given(one), one.kind)
        for category, at in self.place.items():
            if at in for_giving:
                yield Link(f"category:{category}", _GIVING, frozenset((at,)), "use")

    def given(self, one: Recipient) -> frozenset[int]:
        return self.places(one.categories)

    def listed(self, purposes: frozenset[str]) -> list[str]:
        return [name for name in self.policy.purposes if name in purposes]


_GIVING = "giving"
