"""In whatever chunks, stopped wherever: begun anew, a run ends where one that was never stopped ends, and nothing is ever half done."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import pytest
from sqlalchemy import Engine, create_engine, event

from sa_privacy import Keyring, Privacy
from sa_privacy.bulk import boards
from tests.customers.retention import world
from tests.jobs.killing import CONTEXT, start_server
from tests.support.databases import Database

SCHEDULES: Final[dict[str, Any]] = {
    "orders": {
        "table": "orders",
        "clock": "at",
        "period": "P2Y",
        "action": "delete",
        "reasons": {"tax": {"law": "Books Act", "period": "P7Y", "keeps": ["total"]}},
        "guards": {"open": {"sql": "orders.status = 'open'", "ends": {"en": "when delivered", "ja": "配達後"}}},
    },
    "visits": {"table": "visits", "clock": "at", "period": "P6M", "action": "pseudonymise"},
    "notes": {"category": "note", "clock": "at", "period": "P3M", "action": "anonymise"},
    "people": {"table": "people", "clock": "seen_on", "period": "P3Y", "action": "delete"},
}
State = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def rows(database: Database) -> None:
    world.filled(database)


@contextmanager
def scheduled(engine: Engine, keys: Keyring = world.KEYS) -> Iterator[Privacy]:
    with world.made(engine, world.policy(SCHEDULES), keys=keys) as privacy, world.officer(privacy):
        yield privacy


def meant(state: State) -> State:
    """What a state says: which shell a row leads to, and what was drawn for it, says nothing."""
    somebody = {1, 2, 3}
    return {
        "people": [row for row in state["people"] if row[0] in somebody],
        "orders": [(row[0], row[1] if row[1] in somebody else "nobody", *row[2:]) for row in state["orders"]],
        "items": state["items"],
        "visits": [(*row[:4], row[4] if row[4].startswith("token") else "drawn") for row in state["visits"]],
    }


def whole(state: State) -> None:
    """Nothing is half done: what leads somewhere finds it, and an order is there with all that hangs on it."""
    people, orders = {row[0] for row in state["people"]}, {row[0] for row in state["orders"]}
    assert {row[1] for row in state["orders"]} <= people
    assert {row[1] for row in state["visits"]} - {None} <= people
    items = [row[0] for row in state["items"]]
    assert {order: items.count(order) for order in orders & {1, 3, 7}} == {
        order: count for order, count in {1: 2, 3: 1, 7: 1}.items() if order in orders
    }
    assert set(items) <= orders
    for row in state["orders"]:
        assert row[1] in {1, 2, 3} or (row[5], row[6]) == ("", None)
    for row in state["people"]:
        assert row[0] in {1, 2, 3} or row[1] == ""


def ends_right(state: State) -> None:
    """What all runs end in. Order 2 is open, the time of 6 does not run; Bo is erased, his order stays for tax."""
    said = meant(state)
    assert [row[0] for row in said["people"]] == [1, 3]
    assert [(*row[:2], *row[5:]) for row in said["orders"]] == [
        (2, 1, "street 2", "note 2"),
        (3, "nobody", "", None),
        (4, 1, "street 4", None),
        (5, "nobody", "", None),
        (6, 3, "street 6", "note 6"),
    ]
    assert [row[:3] for row in said["items"]] == [(3, 1, "lamp")]
    assert [(row[0], row[1], *row[3:]) for row in said["visits"]] == [
        (1, None, "", "drawn"),
        (2, 1, "page 2", "token 2"),
        (3, None, "", "drawn"),
        (4, None, "", "drawn"),
    ]


@pytest.mark.parametrize("chunk", [1, 2, 3, 1000])
def test_every_size_of_chunks_ends_the_same(engine: Engine, chunk: int) -> None:
    with scheduled(engine) as privacy:
        told: list[tuple[str, str]] = []
        privacy.retention.run(engine, chunk=chunk, progress=lambda one: told.append((one.schedule, one.table)))
        assert {name for name, _ in told} == SCHEDULES.keys()
        state = world.state(privacy, engine)
        whole(state)
        ends_right(state)
        assert privacy.retention.run(engine, chunk=chunk).rows == 0
        assert world.state(privacy, engine) == state


class Stopped(BaseException):
    """The process ends here."""


def test_stopped_at_any_statement_and_begun_anew_it_ends_the_same(engine: Engine) -> None:
    left = stops = 0

    def before(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped

    with scheduled(engine) as privacy:
        step = 1
        while True:
            left = step
            event.listen(engine, "before_cursor_execute", before)
            try:
                privacy.retention.run(engine, chunk=2)
                break
            except Stopped:
                stops += 1
                step += 8
            finally:
                event.remove(engine, "before_cursor_execute", before)
            whole(world.state(privacy, engine))
        assert stops > 10
        ends_right(world.state(privacy, engine))


def run_killed(url: str, keys: str, starts: Any, pause: float) -> None:
    """The process that is killed."""
    engine = create_engine(url)
    with scheduled(engine, Keyring.load(keys)) as privacy:

        def slow(*_: Any) -> None:
            time.sleep(pause)

        event.listen(engine, "before_cursor_execute", slow)
        starts.send(True)
        boards.LASTING = 0.3  # type: ignore[misc]
        privacy.retention.run(engine, chunk=1)
    engine.dispose()


def killed(url: str, keys: str, after: float | None) -> bool:
    """Runs it, and kills it (SIGKILL) so many seconds after it began; None: lets it end. Whether it ended by itself."""
    start_server()
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=run_killed, args=(url, keys, theirs, 0.002 if after is not None else 0))
    process.start()
    theirs.close()
    assert ours.recv()
    if after is not None:
        process.join(after)
        process.kill()
    process.join(60)
    code = process.exitcode
    process.close()
    ours.close()
    assert code in (0, -9), code
    return code == 0


def test_killed_and_begun_anew_it_ends_the_same(database: Database, engine: Engine, tmp_path: Any) -> None:
    drawn = random.Random(7)
    world.KEYS.save(tmp_path / "keys.json")
    url = database.url.render_as_string(hide_password=False)
    end = partial(killed, url, str(tmp_path / "keys.json"))
    ended = [end(drawn.uniform(0.05, 0.8)) for _ in range(4)]
    assert not all(ended)
    with scheduled(engine) as privacy:
        whole(world.state(privacy, engine))
        assert end(None)
        state = world.state(privacy, engine)
    whole(state)
    ends_right(state)
