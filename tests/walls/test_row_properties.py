"""Whatever the policy, the rules and the rows: a raw cursor under a role of the wall sees the rows that they leave, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert
from sqlalchemy.dialects import postgresql

from sa_privacy import Policy
from sa_privacy.access import Access
from sa_privacy.access.scopes import AccessScopes
from sa_privacy.columns.build import build_catalogue
from sa_privacy.walls import Login
from sa_privacy.walls.postgresql import inspect_wall
from sa_privacy.walls.rows import WalledRules
from sa_privacy.walls.settings import Settings
from sa_privacy.walls.shapes import shapes_of
from tests.support.databases import Database, postgresql_database
from tests.support.draws import draws
from tests.support.postgres import Server
from tests.walls import rows as world
from tests.walls.owner import dropped, raised
from tests.walls.rows import AGREEMENTS, RULES, Base

PURPOSES = ("post", "mail", "calls")
ROLES = ("clerk", "agent", "visitor")
TEAMS = ("red", "blue")
COLUMNS = {"people": {"name": "name", "note": "note"}, "letters": {"body": "note"}, "pages": {"text": "name"}}
SHAPES = shapes_of([Base.metadata])
LOGIN = Login("rows_web")
DIALECT: Any = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
people = st.integers(1, 4)


@dataclass(frozen=True)
class World:
    """One example."""

    purposes: dict[str, Any]
    together: list[tuple[str, ...]]
    rules: list[str]
    rows: dict[str, list[dict[str, Any]]]
    accesses: list[dict[str, Any]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    some = st.lists(st.sampled_from(("name", "note")), unique=True, min_size=1)
    purposes = {
        name: {
            "use": draw(some),
            "consent": draw(st.sampled_from(("none", "opt_in", "opt_out"))),
            "rows": draw(st.sampled_from(("all", "all", "own"))),
        }
        for name in PURPOSES
    }
    together = draw(st.lists(st.sets(st.sampled_from(PURPOSES), min_size=2), max_size=2))
    sets = [(name,) for name in PURPOSES] + [tuple(sorted(one)) for one in together]
    team, letters = (
        st.sampled_from(TEAMS),
        draw(st.lists(st.tuples(st.none() | people, st.sampled_from(("open", "shut"))), max_size=6)),
    )
    filled: dict[str, list[dict[str, Any]]] = {
        "people": [{"id": one, "team": draw(team)} for one in range(1, 5)],
        "letters": [{"id": at, "person_id": whose, "state": state} for at, (whose, state) in enumerate(letters, 1)],
        "pages": [{"id": at, "letter_id": at} for at in range(1, len(letters) + 1)],
        "agreements": [
            {"person": person, "purpose": purpose, "said": said}
            for (person, purpose), said in draw(
                st.dictionaries(st.tuples(people, st.sampled_from(PURPOSES)), st.sampled_from(("given", "withdrawn")))
            ).items()
        ],
    }
    accesses = st.fixed_dictionaries(
        {
            "purpose": st.sampled_from(sets),
            "role": st.lists(st.sampled_from(ROLES), unique=True, min_size=1, max_size=2),
            "subject": st.one_of(st.none(), people, people.map(str), st.tuples(st.just("person"), people)),
            "team": st.sampled_from((*TEAMS, None)),
            "teams": st.sampled_from([[], ["red"], ["red", 'bl"ue'], list(TEAMS), None]),
        }
    )
    rules = draw(st.lists(st.sampled_from(sorted(RULES)), unique=True))
    return World(
        purposes,
        [tuple(sorted(one)) for one in together],
        rules,
        filled,
        draw(st.lists(accesses, min_size=3, max_size=6)),
    )


class Said:
    """Which rows an access is left with, worked out by hand from the document and the rows."""

    def __init__(self, world: World, access: dict[str, Any]) -> None:
        self.world, self.access = world, access
        self.letters = {row["id"]: row for row in world.rows["letters"]}
        self.team = {row["id"]: row["team"] for row in world.rows["people"]}
        self.told = {(row["person"], row["purpose"]): row["said"] for row in world.rows["agreements"]}

    def seen(self, table: str) -> set[int]:
        return {row["id"] for row in self.world.rows[table] if self.left(table, row)}

    def left(self, table: str, row: dict[str, Any]) -> bool:
        """A row is left where all that may be used of it may; so must be the rows by which it leads to its person."""
        limited = self.own(table) or self.sets(table)
        person = self.person(table, row)
        if self.own(table) and (person is None or str(person) != str(self.subject())):
            return False
        if not all(any(self.agreed(person, purpose) for purpose in one) for one in self.sets(table)):
            return False
        if table == "pages" and limited and not self.left("letters", self.letters[row["letter_id"]]):
            return False
        return self.ruled(table, row)

    def subject(self) -> object:
        subject = self.access["subject"]
        return subject[1] if isinstance(subject, tuple) else subject

    def person(self, table: str, row: dict[str, Any]) -> Any:
        if table == "people":
            return row["id"]
        return (row if table == "letters" else self.letters[row["letter_id"]])["person_id"]

    def through(self, category: str) -> frozenset[str]:
        return frozenset(name for name in self.access["purpose"] if category in self.world.purposes[name]["use"])

    def own(self, table: str) -> bool:
        reached = [self.through(category) for category in COLUMNS[table].values()]
        return any(one and all(self.world.purposes[name]["rows"] == "own" for name in one) for one in reached)

    def sets(self, table: str) -> list[frozenset[str]]:
        reached = [self.through(category) for category in COLUMNS[table].values()]
        return [one for one in reached if one and all(self.world.purposes[name]["consent"] != "none" for name in one)]

    def agreed(self, person: Any, purpose: str) -> bool:
        if self.world.purposes[purpose]["consent"] == "opt_in":
            return self.told.get((person, purpose)) == "given"
        return self.told.get((person, purpose)) != "withdrawn"

    def ruled(self, table: str, row: dict[str, Any]) -> bool:
        rules, roles = self.world.rules, self.access["role"]
        if table == "people":
            ways = {
                "agent": "their team's people" not in rules or row["team"] == self.access["team"],
                "clerk": "their teams' people" not in rules or row["team"] in (self.access["teams"] or ()),
                "visitor": True,
            }
            return any(ways[role] for role in roles)
        if table == "letters":
            if "open letters" in rules and "post" in self.access["purpose"] and row["state"] != "open":
                return False
            person = self.person(table, row)
            # The rule's own question sees the people that are left, too.
            theirs = person is not None and self.team[person] == self.access["team"]
            theirs = theirs and self.left("people", {"id": person, "team": self.team[person]})
            return theirs or "letters of their team" not in rules or set(roles) != {"agent"}
        return True


@pytest.fixture(scope="module")
def owner(postgresql_server: Server) -> Iterator[tuple[Database, Engine]]:
    with postgresql_database(postgresql_server) as database:
        engine = database.engine()
        Base.metadata.create_all(engine)
        yield database, engine
        dropped(engine)


def accessed(policy: Policy, said: dict[str, Any]) -> Access:
    details = {name: said[name] for name in ("team", "teams") if said[name] is not None}
    with AccessScopes(policy).access(said["purpose"], role=said["role"], subject=said["subject"], **details) as scope:
        access: Access = scope.access
        return access


@given(world_=worlds())
@settings(max_examples=draws(20), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_raw_cursor_sees_the_rows_that_policy_consent_and_rules_leave(
    world_: World, owner: tuple[Database, Engine]
) -> None:
    database, engine = owner
    policy = world.policy(world_.purposes)
    catalogue = build_catalogue(policy, [Base.metadata])
    sources = world.sources(policy, *world_.rules)
    with engine.begin() as connection:
        connection.exec_driver_sql("TRUNCATE people, letters, pages, agreements")
        for table in (*(Base.metadata.tables[name] for name in COLUMNS), AGREEMENTS):
            if world_.rows[table.name]:
                connection.execute(insert(table), world_.rows[table.name])
    raised(engine, policy, catalogue, Base.metadata, [LOGIN], rows=sources, together=world_.together)
    with engine.connect() as connection:
        again = inspect_wall(
            connection, policy, catalogue, SHAPES, logins=[LOGIN], rows=sources, together=world_.together
        )
    assert again.drift == ()
    assert not [one for one in again.plan.not_walled if one.kind in ("rows", "consent", "rule")]
    told = Settings(policy, catalogue, WalledRules(sources.rules), DIALECT)
    query = database.url.query
    host = f"host={query['host']} port={query['port']} user={LOGIN.name} dbname={database.url.database}"
    with psycopg.connect(host) as raw:
        for said in world_.accesses:
            raw.execute(*told.of(accessed(policy, said))[:2])
            expected = Said(world_, said)
            for name in COLUMNS:
                found = {row[0] for row in raw.execute(f"SELECT id FROM {name}").fetchall()}
                assert found == expected.seen(name), (name, said)
            raw.rollback()
