"""When a person's rows end, so does all that hangs on them, nothing else does, and what stays leads to nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, event

from sa_privacy import PlanMoved, Privacy
from sa_privacy.customers.destruction import Ending, Graph, Step, Survey, carry_out
from sa_privacy.customers.owned import known_tables
from tests.customers.destruction import world
from tests.support.databases import Database

WHOLE = [
    Ending("people", ((1,),), "delete"),
    Ending("vips", ((1,),), "delete"),
    Ending("orders", ((1,), (2,)), "delete"),
    Ending("items", ((1, 1), (2, 1)), "delete"),
    Ending("messages", ((1,),), "delete"),
    Ending("posts", ((1,), (2,)), "delete"),
    Ending("replies", ((2,),), "delete"),
]


@pytest.fixture
def privacy(database: Database, engine: Engine) -> Iterator[Privacy]:
    world.filled(database)
    with world.protected(engine) as made:
        yield made


def run(privacy: Privacy, engine: Engine, endings: Sequence[Ending]) -> tuple[Step, ...]:
    """Ends rows; what was done."""
    graph = Graph(known_tables(privacy._live))
    with privacy.access(actor="officer:1", role="officer"), engine.begin() as connection, privacy._desk.open(
        connection, everything=True
    ):  # fmt: skip
        steps = Survey(graph, privacy.catalogue).steps(connection, endings)
        carry_out(connection, graph, steps)
    return steps


def test_nothing_of_a_person_stays_and_everything_of_others_does(privacy: Privacy, engine: Engine) -> None:
    before = world.state(privacy, engine)
    run(privacy, engine, WHOLE)
    after = world.state(privacy, engine)
    people: Any = {row[0]: row for row in after["people"]}
    (shell,) = people.keys() - {2}
    assert shell != 1
    assert people[2][:6] == before["people"][1][:6]
    assert people[2][6] is None, "the referrer is cut"
    assert people[shell][1:4] == ("person", 1, ""), "a shell is of the base class, of the same shop, and says nothing"
    assert "ann" not in repr(people[shell])
    assert after["vips"] == []
    assert [row[:6] for row in after["orders"]] == [(3, 2, None, None, 30, "for Ann")]
    assert after["items"] == [(3, 1, "lamp")]
    assert after["parcels"] == [(2, 3, 1)]
    assert after["visits"] == [(1, None), (2, 2)]
    assert after["messages"] == [(2, 2, shell, "hello Ann")]
    assert after["posts"] == [(2, shell, "")], "the post that was replied to stays, emptied"
    assert after["replies"] == before["replies"][:1]
    assert after["softs"] == [(2, 2)]
    assert after["tags"] == [(2, 1)]


@pytest.mark.backends("sqlite")
def test_nor_does_the_order_matter_where_sqlite_enforces_its_keys(privacy: Privacy, engine: Engine) -> None:
    """Every statement is checked at once then, as PostgreSQL does."""
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys=ON"))
    run(privacy, engine, WHOLE)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert {row[0] for row in world.state(privacy, engine)["people"]} > {2}


def test_what_a_reason_keeps_leads_to_a_shell_and_still_adds_up(privacy: Privacy, engine: Engine) -> None:
    kept = [
        Ending("orders", ((1,), (2,)), "pseudonymise", keeps=frozenset({"total"}), why="tax"),
        *(ending for ending in WHOLE if ending.table != "orders"),
    ]
    steps = run(privacy, engine, kept)
    after = world.state(privacy, engine)
    (shell,) = {row[0] for row in after["people"]} - {2}
    assert [row[:6] for row in after["orders"]] == [
        (1, shell, None, None, 10, None),
        (2, shell, 2, 1, 20, None),
        (3, 2, None, None, 30, "for Ann"),
    ]
    assert {(step.verb, step.why) for step in steps if step.table == "orders" and step.why == "tax"} == {
        ("relink", "tax"),
        ("anonymise", "tax"),
    }


def test_a_person_who_stays_keeps_nothing_of_what_is_pseudonymised(privacy: Privacy, engine: Engine) -> None:
    run(privacy, engine, [Ending("orders", ((1,),), "pseudonymise", keeps=frozenset({"total"}), why="tax")])
    after = world.state(privacy, engine)
    (shell,) = {row[0] for row in after["people"]} - {1, 2}
    assert after["orders"][0][:6] == (1, shell, None, None, 10, None)
    assert after["orders"][1][:2] == (2, 1)


def test_emptied_columns_take_what_the_database_takes(privacy: Privacy, engine: Engine) -> None:
    run(privacy, engine, [Ending("people", ((1,), (2,)), "anonymise", values={"name": "nobody"})])
    (one, other) = world.state(privacy, engine)["people"]
    assert (one[0], other[0]) == (1, 2)
    assert one[3] == other[3] == "nobody"
    assert one[4] != other[4]
    assert one[5] != other[5]
    assert {one[4], other[4], one[5], other[5]}.isdisjoint({"ann@example.com", "bo@example.com", "ann", "bo"})


def test_a_row_that_has_gone_meanwhile_is_told_and_nothing_is_changed(privacy: Privacy, engine: Engine) -> None:
    before = world.state(privacy, engine)
    graph = Graph(known_tables(privacy._live))
    steps = (Step("delete", "parcels", ((1,),)), Step("delete", "visits", ((1,), (7,))))
    with privacy.access(actor="officer:1", role="officer"), engine.connect() as connection, privacy._desk.open(
        connection, everything=True
    ):  # fmt: skip
        with pytest.raises(PlanMoved, match="visits") as caught:
            carry_out(connection, graph, steps)
        connection.rollback()
    assert "7" not in str(caught.value).replace("SP-703", "")
    assert world.state(privacy, engine) == before
